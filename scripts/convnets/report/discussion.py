"""Possible causes of differences from the paper, with what was measured about each of them.

`benchmarks/fidelity.py` trains pairs with the same seed, images and batches, one by the fast plan
and one by a plain float32 loop. `benchmarks/patience.py` stops whole learning curves early.
"""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from convnets.core.files import ROOT
from convnets.core.tables import read_table
from convnets.judging.estimates import ACCURACY
from convnets.judging.numbers import agreement
from convnets.judging.published import distinct_numbers
from convnets.judging.witnesses import spreads_of
from convnets.report.results import Results

OFFICIAL, OFFICIAL_IMAGES = "official_test_accuracy", "official_test_images"
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


def discussion(results: Results) -> dict[str, Any]:
    """The measured gaps and spreads, as fractions; None where nothing was measured."""
    runs, theirs = results.metrics, results.prior.models[ACCURACY]
    by_variant = runs.groupby("variant")[[ACCURACY, "best_val_accuracy"]].mean()
    spread = math.sqrt(spreads_of(runs)[ACCURACY].variance)
    known = distinct_numbers(results.published)[ACCURACY].dropna().drop("fully_connected")
    return {
        "agreement": agreement(results.comparison).to_dict("records"),
        "official": official_gap(runs),
        "others": mean_interval((by_variant[ACCURACY] - theirs.means).dropna()),
        "classes": class_balance(results),
        "selection": mean_interval(by_variant["best_val_accuracy"] - by_variant[ACCURACY]),
        "spread": spread,
        "their_spread": math.sqrt(sum(theirs.components[2:])),
        "within": stats.norm.ppf((1 + CONFIDENCE) / 2) * math.sqrt(2) * spread,
        "gaps": pd.Series([abs(one - other) for one, other in itertools.combinations(known, 2)]),
        "patience": lost_by_patience(results.used("training.patience")),
        "fidelity": fidelity(),
    }


def official_gap(runs: pd.DataFrame) -> dict[str, float] | None:
    """Mean accuracy on official test images less that on the others, with its 95 % interval.

    The networks share the images, so more networks do not narrow the interval.
    """
    if OFFICIAL not in runs or not (known := runs[runs[OFFICIAL].notna()]).size:
        return None
    images, official = known["test_images"].iloc[0], known[OFFICIAL_IMAGES].iloc[0]
    if official == images:
        return None
    mean, on_official = known[ACCURACY].mean(), known[OFFICIAL].mean()
    gap = on_official - (mean * images - on_official * official) / (images - official)
    error = math.sqrt(mean * (1 - mean) * (1 / official + 1 / (images - official)))
    low, high = stats.norm.interval(CONFIDENCE, gap, error)
    return {"mean": gap, "low": low, "high": high, "images": official}


def class_balance(results: Results) -> dict[str, float] | None:
    """Test accuracy if classes had the shares of the validation images, less test accuracy.

    `short` is the number of classes with less than nine tenths of the median training images.
    None if the shares are the same or unknown.
    """
    classes = list(results.provenance.get("classes", ()))
    counts = results.provenance["counts"].get("per_class", {})
    if {*map(len, counts.values())} != {len(set(classes))}:
        return None
    images = pd.DataFrame(counts, classes)
    shares = images / images.sum()
    more = shares["validation"] - shares["test"]
    if np.allclose(more, 0, atol=1e-3):
        return None
    tested = {
        id: [run.test.get("per_class_accuracy", {}) for run in runs]
        for id, runs in results.by_variant.items()
    }
    means = {id: pd.DataFrame(tests, dtype=float).mean() for id, tests in tested.items()}
    gaps = pd.DataFrame(means).mul(more, axis=0).sum(min_count=len(classes))
    found = mean_interval(gaps.dropna())
    short = images["train"] < 0.9 * images["train"].median()
    return found and found | {"short": int(short.sum())}


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
