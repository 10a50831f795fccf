"""Fixtures of the tests that run, spoil and kill real trainings, and which tests may be skipped."""

import functools
import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from real_runs import EPOCHS, complete, prepare_data

REQUIRED = set(os.environ.get("REQUIRED_TESTS", "").split())
"""Markers of tests that have to run on this machine: a skip is a failure. `.ci/run` sets them."""


def pytest_configure(config: pytest.Config) -> None:
    known = {line.partition(":")[0] for line in config.getini("markers")}
    if unknown := REQUIRED - known:
        raise pytest.UsageError(f"REQUIRED_TESTS has {', '.join(unknown)}, which is no marker")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no core waits for another at the end."""
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and (markers := REQUIRED & {mark.name for mark in item.iter_markers()}):
        _, _, reason = report.longrepr  # type: ignore[misc]
        report.outcome = "failed"
        report.longrepr = f"REQUIRED_TESTS has {', '.join(markers)}. {reason}"
    return report


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
