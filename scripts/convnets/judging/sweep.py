"""The runs of a sweep as the judge of claims needs them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from convnets.errors import UserError
from convnets.judging.effect import Source
from convnets.judging.runtime import Course
from convnets.judging.spread import pooled
from convnets.metrics import rounds_of


@dataclass(frozen=True)
class Sweep:
    """All finished runs, by variant and seed."""

    right: dict[str, dict[int, np.ndarray]] = field(default_factory=dict)
    """Whether each test image was named rightly, bool (images,)."""
    courses: dict[str, dict[int, Course]] = field(default_factory=dict)

    def seed_spread(self, quantity: str) -> Source | None:
        """Variance of `quantity` between seeds, pooled; None where no variant has several seeds.

        Best epochs of trainings that were cut short say nothing of it.
        """
        if quantity == "test_accuracy":
            return pooled(
                np.array([right.mean() for right in runs.values()]) for runs in self.right.values()
            )
        whole = quantity != "epoch_seconds"
        return pooled(
            np.log([run.measure(quantity) for run in runs.values()])
            for runs in self.courses.values()
            if not (whole and any(run.is_cut_short for run in runs.values()))
        )


def load_sweep(folders: Iterable[Path], metrics: pd.DataFrame | None = None) -> Sweep:
    """Read the runs in `folders`, and their measured runtimes from `metrics` (`read_runs`).

    Raises `UserError` unless all were tested on the same images.
    """
    folders = list(folders)
    sweep = Sweep(courses=load_courses(folders, metrics))
    first: tuple[Path, np.ndarray] | None = None
    for folder in folders:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        with np.load(folder / "predictions.npz") as test:
            images, right = test["index"], test["label"] == test["prediction"]
        first = first or (folder, images)
        if not np.array_equal(images, first[1]):
            raise UserError(
                f"{folder} and {first[0]} were tested on different images, expected the same: "
                "test both again, on the same data, with evaluate.py"
            )
        sweep.right.setdefault(run["variant"]["id"], {})[run["seed"]] = right
    return sweep


def load_courses(
    folders: Iterable[Path], metrics: pd.DataFrame | None = None
) -> dict[str, dict[int, Course]]:
    """The course of every training, by variant and seed, with its rounds from `metrics`."""
    courses: dict[str, dict[int, Course]] = {}
    for folder in folders:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        history = pd.read_csv(folder / "history.csv")
        courses.setdefault(run["variant"]["id"], {})[run["seed"]] = Course(
            history["val_accuracy"].to_numpy(),
            history["epoch_seconds"].to_numpy(),
            run["data"]["split"]["validation"],
            np.empty(0) if metrics is None else rounds_of(metrics, run["variant"]["id"]),
        )
    return courses
