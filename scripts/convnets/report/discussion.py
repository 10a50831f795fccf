"""Possible causes of differences from the paper, with what was measured about each of them."""

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from convnets.judging.estimates import ACCURACY
from convnets.judging.numbers import agreement
from convnets.judging.published import distinct_numbers
from convnets.judging.witnesses import spreads_of
from convnets.report.results import Results
from convnets.report.studies import CONFIDENCE, fidelity, lost_by_patience, mean_interval

OFFICIAL, OFFICIAL_IMAGES = "official_test_accuracy", "official_test_images"


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
