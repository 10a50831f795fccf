"""The finished runs that the analyses look at, and what they named the test images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convnets.architectures.variant import KEYS_OF_METHOD, Variant
from convnets.config.settings import from_mapping
from convnets.core.errors import UserError
from convnets.runs.run_folder import RunFolder


@dataclass(frozen=True)
class Run:
    """One variant trained with one seed."""

    folder: Path
    variant: Variant
    seed: int


Runs = Mapping[str, Sequence[Run]]
"""Runs by variant, from the smallest seed. Methods are in the paper's order."""


@dataclass(frozen=True)
class Predictions:
    """What networks named the test images."""

    images: np.ndarray
    """int64 (images,): where the test images lie among all images of the data."""
    labels: np.ndarray
    """uint8 (images,): their true classes."""
    named: Mapping[str, np.ndarray]
    """By variant, uint8 (seeds, images): the classes that its networks named."""


def load_runs(folders: Iterable[Path]) -> dict[str, list[Run]]:
    """The runs in `folders`. Within a method, variants keep the order in which they come."""
    methods = list(KEYS_OF_METHOD)
    runs = sorted(map(_load_run, folders), key=lambda run: methods.index(run.variant.method))
    by_variant: dict[str, list[Run]] = {}
    for run in runs:
        by_variant.setdefault(run.variant.id, []).append(run)
    return {id: sorted(seeds, key=lambda run: run.seed) for id, seeds in by_variant.items()}


def one_of_each_method(runs: Runs) -> dict[str, str]:
    """The first variant of each method, by method."""
    first: dict[str, str] = {}
    for id, (run, *_) in runs.items():
        first.setdefault(run.variant.method, id)
    return first


def load_predictions(runs: Runs) -> Predictions:
    """What all `runs` named. Raises `UserError` unless all were tested on the same images."""
    first: tuple[Path, np.ndarray, np.ndarray] | None = None
    named: dict[str, np.ndarray] = {}
    for id, seeds in runs.items():
        rows = []
        for run in seeds:
            test = RunFolder(run.folder).predictions
            images, labels, row = test["index"], test["label"], test["prediction"]
            first = first or (run.folder, images, labels)
            if not np.array_equal(images, first[1]):
                raise UserError(
                    f"{run.folder} and {first[0]} were tested on different images, expected the "
                    "same: test both again, on the same data, with evaluate.py"
                )
            rows.append(row)
        named[id] = np.array(rows)
    if first is None:
        raise UserError("there are no runs to analyse: train and evaluate some first")
    return Predictions(first[1], first[2], named)


def _load_run(folder: Path) -> Run:
    record = RunFolder(folder).record
    return Run(folder, from_mapping(Variant, record["variant"]), record["seed"])
