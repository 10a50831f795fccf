"""Each published number against ours: how far apart, and whether that means anything."""

from typing import Any

import pandas as pd
from scipy import stats

from convnets.conditions import deviations, other_hardware
from convnets.metrics import runs_of

CONFIDENCE = 0.95
ROUNDING = {"test_accuracy": 0.0005}
"""Half a unit of the last published digit; the other metrics are published as integers."""
RUNTIMES = ("epoch_seconds", "seconds_to_best")
COLUMNS = [
    *("table", "row", "variant", "metric", "unit", "paper", "ours", "ours_low", "ours_high"),
    *("seeds", "difference", "verdict", "reason"),
]


def compare(
    published: pd.DataFrame, runs: pd.DataFrame, provenance: dict[str, Any]
) -> pd.DataFrame:
    """One row for each published number.

    `ours` is the mean over seeds, `ours_low` and `ours_high` its 95 % interval, `difference`
    ours minus the paper's. Verdicts: `not run`; `not comparable`, when data, epochs or (for
    runtimes) hardware are not the paper's; `undecidable`, when there is no interval;
    `reproduced`, when the published number, which is rounded, can lie in our interval;
    else `differs`. The interval is of our number alone: the paper's has an error too.
    """
    records = [_compare_row(row, runs, provenance) for row in published.to_dict("records")]
    return pd.DataFrame(records, columns=COLUMNS).astype({"seeds": "int64"})


def interval(metric: str, ours: pd.DataFrame) -> tuple[float, float] | None:
    """The 95 % interval of the mean of `metric`, or `None` when there is none.

    Several seeds: Student's t over seeds. One seed: Wilson's interval over the test images
    for an accuracy, none for anything else.
    """
    values = ours[metric]
    if len(values) > 1:
        margin = values.sem() * stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
        return values.mean() - margin, values.mean() + margin
    if metric != "test_accuracy":
        return None
    images = int(ours["test_images"].iloc[0])
    test = stats.binomtest(round(values.iloc[0] * images), images)
    bounds = test.proportion_ci(CONFIDENCE, method="wilson")
    return bounds.low, bounds.high


def _compare_row(
    row: dict[Any, Any], runs: pd.DataFrame, provenance: dict[str, Any]
) -> dict[str, Any]:
    metric, paper = row["metric"], row["value"]
    ours = runs_of(runs, row["variant"])
    known = {key: row[key] for key in ("table", "row", "variant", "metric", "unit")}
    known |= {"paper": paper, "seeds": len(ours)}
    if ours.empty:
        return known | {"verdict": "not run", "reason": "this variant has no finished run"}
    mean, bounds = ours[metric].mean(), interval(metric, ours)
    known |= {"ours": mean, "difference": mean - paper}
    if bounds is not None:
        known |= {"ours_low": bounds[0], "ours_high": bounds[1]}
    verdict, reason = _judge(metric, paper, ours, bounds, provenance)
    return known | {"verdict": verdict, "reason": reason}


def _judge(
    metric: str,
    paper: float,
    ours: pd.DataFrame,
    bounds: tuple[float, float] | None,
    provenance: dict[str, Any],
) -> tuple[str, str]:
    obstacles = deviations(provenance, ours)
    if metric in RUNTIMES:
        obstacles += [f"runtime on {name}" for name in other_hardware(ours)]
    if obstacles:
        return "not comparable", "; ".join(obstacles)
    if bounds is None:
        return "undecidable", "one seed gives no interval"
    rounding = ROUNDING.get(metric, 0.5)
    inside = bounds[0] - rounding <= paper <= bounds[1] + rounding
    basis = f"{100 * CONFIDENCE:.0f} % interval over " + (
        f"{len(ours)} seeds" if len(ours) > 1 else "test images"
    )
    return "reproduced" if inside else "differs", basis
