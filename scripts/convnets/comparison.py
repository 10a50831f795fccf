"""Each published number against ours: how far apart, and whether that means anything.

The rule, for the 95 % interval of the difference (`convnets.judging.numbers`):

- `reproduced`: it has zero in it, and is narrow enough (`RESOLUTION`) to have shown a difference;
- `differs`: zero is not in it;
- `undecidable`: zero is in it, but so is a large difference; or one seed gives no interval.

`not comparable` are numbers from other data or epochs than the paper's, `not run` those without a
run. A runtime is a multiple of one epoch of `no_pooling`, ours of our own one, the paper's of its
one: seconds say more of the machine.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from convnets.conditions import deviations
from convnets.judging.numbers import (
    REFERENCE,
    Courses,
    Gap,
    accuracy_gap,
    epoch_gap,
    own_interval,
    runtime_gap,
)
from convnets.metrics import runs_of

RUNTIMES = ("epoch_seconds", "seconds_to_best")
RESOLUTION = {"test_accuracy": 0.015, "epoch_seconds": math.log(1.5)} | {
    "seconds_to_best": math.log(1.5),
    "best_epoch": 0.5,
}
"""The widest reach of an interval that can show a number reproduced: 1.5 points of accuracy, a
factor of 1.5 in runtimes, half of the published best epoch. Chosen by this project."""
COLUMNS = [
    *("table", "row", "variant", "metric", "unit", "paper", "ours", "ours_low", "ours_high"),
    *("seeds", "difference", "verdict", "reason", "difference_low", "difference_high"),
    *("relative_to", "paper_relative", "ours_relative", "relative_low", "relative_high"),
]
Row = dict[str, Any]


def compare(
    published: pd.DataFrame,
    runs: pd.DataFrame,
    courses: Mapping[str, Courses],
    provenance: dict[str, Any],
) -> pd.DataFrame:
    """One row for each published number.

    `ours` is the mean over seeds, `ours_low` and `ours_high` its 95 % interval; `difference` is
    ours minus the paper's. Runtimes have no difference: `ours_relative` and `paper_relative` are
    multiples of an epoch of `relative_to`, and the interval of ours is one for the paper's single
    run.
    """
    is_unit = (published["variant"] == REFERENCE) & (published["metric"] == "epoch_seconds")
    unit = float(published.loc[is_unit, "value"].iloc[0])
    records = [
        _compare_row(row, runs, courses, provenance, unit) for row in published.to_dict("records")
    ]
    return pd.DataFrame(records, columns=COLUMNS).astype({"seeds": "int64"})


def _compare_row(
    row: dict[Any, Any],
    runs: pd.DataFrame,
    courses: Mapping[str, Courses],
    provenance: dict[str, Any],
    unit: float,
) -> Row:
    variant, metric, paper = row["variant"], row["metric"], row["value"]
    ours = runs_of(runs, variant)
    known = {key: row[key] for key in ("table", "row", "variant", "metric", "unit")}
    known |= {"paper": paper, "seeds": len(ours)}
    if metric in RUNTIMES:
        known |= {"relative_to": REFERENCE, "paper_relative": paper / unit}
    if ours.empty:
        return known | {"verdict": "not run", "reason": "this variant has no finished run"}
    values, images = ours[metric], int(ours["test_images"].iloc[0])
    low, high = own_interval(metric, values, images, courses[variant])
    known |= {"ours": values.mean(), "ours_low": low, "ours_high": high}
    if metric in RUNTIMES:
        return known | _runtime(known, courses, deviations(provenance, ours), unit)
    if metric == "test_accuracy":
        gap, resolution = accuracy_gap(values, images, paper), RESOLUTION[metric]
    else:
        gap, resolution = epoch_gap(values, paper), RESOLUTION[metric] * paper
    low, high = gap.interval
    known |= {"difference": gap.value, "difference_low": low, "difference_high": high}
    return known | _judge(gap, resolution, deviations(provenance, ours), _basis(metric, len(ours)))


def _runtime(known: Row, courses: Mapping[str, Courses], obstacles: list[str], unit: float) -> Row:
    """A runtime in epochs of the reference variant."""
    variant, metric, paper = known["variant"], known["metric"], known["paper"]
    if (variant, metric) == (REFERENCE, "epoch_seconds"):
        reason = "all runtimes are multiples of this one"
        return {"ours_relative": 1.0, "verdict": "reference", "reason": reason}
    mine, reference = courses[variant], courses.get(REFERENCE, {})
    if not mine.keys() & reference.keys():
        return {"verdict": "not run", "reason": f"{REFERENCE}, the reference, has no finished run"}
    gap = runtime_gap(metric, mine, reference, paper, unit)
    low, high = gap.value - gap.reach, gap.value + gap.reach
    relative = {
        "ours_relative": math.exp(gap.value) * paper / unit,
        "relative_low": math.exp(low) * paper / unit,
        "relative_high": math.exp(high) * paper / unit,
    }
    basis = _basis(metric, len(mine.keys() & reference.keys()))
    return relative | _judge(gap, RESOLUTION[metric], obstacles, basis)


def _judge(gap: Gap, resolution: float, obstacles: list[str], basis: str) -> Row:
    if obstacles:
        return {"verdict": "not comparable", "reason": "; ".join(obstacles)}
    if math.isnan(gap.reach) or not gap.decisive:
        return {"verdict": "undecidable", "reason": "one seed does not tell what others would give"}
    low, high = gap.interval
    if low > 0 or high < 0:
        return {"verdict": "differs", "reason": basis}
    if gap.reach > resolution:
        return {"verdict": "undecidable", "reason": f"{basis}; too wide to show a difference"}
    return {"verdict": "reproduced", "reason": basis}


def _basis(metric: str, seeds: int) -> str:
    """What the interval of the difference is over."""
    if seeds > 1:
        images = " and test images" if metric == "test_accuracy" else ""
        return f"95 % interval over {seeds} seeds{images}, for a single run as the paper's"
    if metric == "test_accuracy":
        return (
            "95 % interval over test images, ours and the paper's; of these trained networks only"
        )
    return "95 % interval over the epochs of one run"
