"""Fixtures of the tests that run, spoil and kill real trainings."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from real_runs import EPOCHS, complete, prepare_data


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared data set of a few synthetic characters."""
    return prepare_data(tmp_path_factory.mktemp("characters") / "data")


@pytest.fixture(scope="session")
def undisturbed(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], dict[str, str]]:
    """What a run of so many epochs gives with which nothing interferes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return functools.cache(lambda epochs=EPOCHS: complete(data, folder / str(epochs), epochs))
