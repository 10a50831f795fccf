"""The paired-seed study of the fast training plan against a plain float32 loop.

`benchmarks/fidelity.py` trains the pairs, both runs with the same seed, images and batches.
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd
from scipy import stats

from convnets.core.tables import read_table

CONFIDENCE = 0.95
CONDITIONS = [
    *("data", "train_images", "test_images", "epochs", "precision", "kernels", "device_name")
]
"""Columns whose values are the same for all pairs of a comparison."""
COLUMNS = ["variant", "seed", "reference_accuracy", "plan_accuracy", *CONDITIONS]
ALL = "all families"


class Difference(NamedTuple):
    """Test accuracy of the plan minus that of the plain loop, in percentage points."""

    name: str
    """The variant, or all of them."""
    pairs: int
    reference: float
    """Mean test accuracy of the plain loop, a fraction."""
    plan: float
    mean: float
    interval: tuple[float, float] | None
    """95 % Student's t interval of the mean over pairs; one pair gives none."""

    @property
    def verdict(self) -> str:
        """Whether these pairs show that the plan shifts accuracy."""
        if self.interval is None:
            return "undecidable"
        low, high = self.interval
        return "no shift found" if low <= 0 <= high else "shifts"


def read_study(file: Path) -> pd.DataFrame:
    """The pairs of a study. Raises `UserError` if the file is damaged."""
    numbers = (*COLUMNS[1:4], "train_images", "test_images", "epochs")
    return read_table(file, "make it with benchmarks/fidelity.py", COLUMNS, numbers, COLUMNS)


def differences(pairs: pd.DataFrame) -> list[Difference]:
    """The difference for each variant, and for all pairs together."""
    groups = [*pairs.groupby("variant", sort=False), (ALL, pairs)]
    return [_difference(str(name), group) for name, group in groups]


def _difference(name: str, pairs: pd.DataFrame) -> Difference:
    reference, plan = pairs["reference_accuracy"], pairs["plan_accuracy"]
    gaps, interval = 100 * (plan - reference), None
    if len(gaps) > 1:
        reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(gaps) - 1) * gaps.sem())
        interval = (gaps.mean() - reach, gaps.mean() + reach)
    return Difference(name, len(pairs), reference.mean(), plan.mean(), gaps.mean(), interval)
