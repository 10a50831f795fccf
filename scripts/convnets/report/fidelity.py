"""The fast training plan against a plain float32 loop: what the paired runs of a study say.

`benchmarks/fidelity.py` trains the pairs, each with one seed, the same images and the same
batches, and writes the csv that is read here.
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
"""Columns that pairs must share to be put together."""
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
        """Whether the plan shifts accuracy, as far as these pairs can tell."""
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
    groups = [(str(name), group) for name, group in pairs.groupby("variant", sort=False)]
    return [_difference(name, group) for name, group in [*groups, (ALL, pairs)]]


def _difference(name: str, pairs: pd.DataFrame) -> Difference:
    reference, plan = pairs["reference_accuracy"], pairs["plan_accuracy"]
    gaps, interval = 100 * (plan - reference), None
    if len(gaps) > 1:
        reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(gaps) - 1) * gaps.sem())
        interval = (gaps.mean() - reach, gaps.mean() + reach)
    return Difference(name, len(pairs), reference.mean(), plan.mean(), gaps.mean(), interval)
