"""What the report's later sections show beside the results themselves, as values."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from convnets.judging.conditions import PAPER_GPU, runtime_conditions
from convnets.judging.numbers import REFERENCE
from convnets.judging.readings import HARDWARE_SPREAD, SCALE_SPREAD, THRESHOLD
from convnets.judging.spread import ASSUMED
from convnets.report.axis import Axis
from convnets.report.fidelity import CONDITIONS, differences, read_study
from convnets.report.results import ROOT, Results
from convnets.runs.metrics import rounds_of
from convnets.runs.rounds import median_interval

HIDDEN = 0.1
"""Share of a curve's points, those of its first climb, that may lie below the sketch."""


def analyses(results: Results) -> dict[str, Any]:
    """Learning curve and runtimes of every variant, and the accuracy of every class."""
    means = {
        variant: pd.concat([run.history["val_accuracy"] for run in runs], axis=1).mean(axis=1)
        for variant, runs in results.by_variant.items()
    }
    lowest = min(float(mean.quantile(HIDDEN)) for mean in means.values())
    tested = [run.test.get("per_class_accuracy", {}) for run in results.runs]
    return {
        "variants": [_variant(variant, mean, results) for variant, mean in means.items()],
        "curve_axis": Axis(lowest, max(float(mean.max()) for mean in means.values()) + 1e-9),
        "runtime_conditions": runtime_conditions(results.metrics),
        "reference": REFERENCE,
        "classes": pd.DataFrame(tested, dtype=float).mean().dropna(),
    }


def _variant(variant: str, mean: pd.Series, results: Results) -> dict[str, Any]:
    rounds, low, high, ratio = rounds_of(results.metrics, variant), None, None, None
    if len(rounds):
        low, high = median_interval(rounds)
        if REFERENCE in results.by_variant:
            ratio = float(np.median(rounds / rounds_of(results.metrics, REFERENCE)))
    own = {"id": variant, "curve": mean.tolist(), "best": int(mean.argmax())}
    return own | {"low": low, "high": high, "ratio": ratio}


def readings() -> dict[str, Any]:
    """The constants of the likelihoods."""
    return {
        "assumed": ASSUMED,
        "hardware_spread": HARDWARE_SPREAD,
        "scale_spread": SCALE_SPREAD,
        "threshold": THRESHOLD,
    }


def provenance(fidelity: Path = ROOT / "benchmarks/results/fidelity.csv") -> dict[str, Any]:
    """The paper's hardware, and the study of the training plan by its conditions."""
    studies = read_study(fidelity).groupby(CONDITIONS, sort=False)
    found = [
        (dict(zip(CONDITIONS, key, strict=True)), differences(pairs)) for key, pairs in studies
    ]
    return {"paper_gpu": PAPER_GPU, "fidelity": found}
