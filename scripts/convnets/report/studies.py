"""Studies that the report cites: the fast training plan against a plain loop, and patience.

`benchmarks/fidelity.py` trains pairs with the same seed, images and batches, one by the plan and
one by a plain float32 loop. `benchmarks/patience.py` stops whole learning curves early.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from scipy import stats

from convnets.core.files import ROOT
from convnets.core.tables import read_table

STUDIES = ROOT / "benchmarks/results"
CONFIDENCE = 0.95
CONDITIONS = [
    *("data", "train_images", "test_images", "epochs", "precision", "kernels", "device_name")
]
"""Columns whose values are the same for all pairs of a comparison."""
COLUMNS = ["variant", "seed", "reference_accuracy", "plan_accuracy", *CONDITIONS]
ALL = "all families"
Differences = list[dict[str, Any]]
"""The result of `differences`."""


def fidelity(file: Path = STUDIES / "fidelity.csv") -> list[tuple[dict[str, Any], Differences]]:
    """The differences under each of the studied conditions. Raises `UserError` on damage."""
    numbers = (*COLUMNS[1:4], "train_images", "test_images", "epochs")
    pairs = read_table(file, "make it with benchmarks/fidelity.py", COLUMNS, numbers, COLUMNS)
    by_conditions = pairs.groupby(CONDITIONS, sort=False)
    return [
        (dict(zip(CONDITIONS, key, strict=True)), differences(group))
        for key, group in by_conditions
    ]


def differences(pairs: pd.DataFrame) -> Differences:
    """Test accuracy of the plan minus that of the plain loop, by variant, and of all pairs.

    `mean` and its 95 % interval are in percentage points; one pair gives no interval.
    """
    found = []
    for name, group in [*pairs.groupby("variant", sort=False), (ALL, pairs)]:
        reference, plan = group["reference_accuracy"], group["plan_accuracy"]
        gaps = 100 * (plan - reference)
        row = {"name": name, "pairs": len(gaps), "reference": reference.mean(), "plan": plan.mean()}
        row |= {"mean": gaps.mean(), "verdict": "undecidable"}
        if interval := mean_interval(gaps):
            same = interval["low"] <= 0 <= interval["high"]
            row |= interval | {"verdict": "no shift found" if same else "shifts"}
        found.append(row)
    return found


def mean_interval(values: pd.Series) -> dict[str, float] | None:
    """Mean of values with its 95 % interval (Student's t); None for fewer than two values."""
    if len(values) < 2:
        return None
    low, high = stats.t.interval(CONFIDENCE, len(values) - 1, values.mean(), values.sem())
    return {"mean": values.mean(), "low": low, "high": high, "number": len(values)}


def lost_by_patience(used: list[int]) -> dict[str, float] | None:
    """Validation accuracy that early stopping with the patience in use lost on whole curves."""
    columns, file = ("run", "patience", "lost", "missed"), STUDIES / "patience.csv"
    rows = read_table(file, "make it with benchmarks/patience.py", columns, columns[1:3])
    chosen = rows[rows["patience"].isin(used)]
    if chosen.empty:
        return None
    lost = chosen["lost"] / 100
    return {"mean": lost.mean(), "most": lost.max(), "number": len(chosen)}
