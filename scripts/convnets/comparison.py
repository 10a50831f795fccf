"""Each published number against ours: how far apart, and whether that means anything.

The rule, for the 95 % interval of the difference (`convnets.judging.numbers`):

- `reproduced`: it has zero in it, and is narrow enough (`RESOLUTION`) to have shown a difference;
- `differs`: zero is not in it;
- `undecidable`: zero is in it, but so is a large difference; or training ended before the paper's
  did and at its best or near it, so that nobody knows the best epoch.

Runs with fewer images or epochs than the paper's, or on real images that are not its own, get these
verdicts too, and `conditions` tells the difference. `not comparable` are numbers of another data
set, `not run` those without a run. A runtime is a multiple of one epoch of `no_pooling`, ours of
our own one, the paper's of its one: seconds say more of the machine.
"""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from convnets.conditions import EMNIST_SOURCES, PAPER_EPOCHS, deviations
from convnets.judging.effect import Source
from convnets.judging.numbers import (
    REFERENCE,
    Gap,
    accuracy_gap,
    epoch_gap,
    own_interval,
    runtime_gap,
)
from convnets.judging.runtime import Course
from convnets.judging.spread import ASSUMED, pooled
from convnets.judging.sweep import Sweep
from convnets.metrics import RUNTIMES, runs_of, runtimes_measured

OF_BEST = ("best_epoch", "seconds_to_best")
RESOLUTION = {"test_accuracy": 0.015} | dict.fromkeys(
    ("best_epoch", "epoch_seconds", "seconds_to_best"), math.log(1.5)
)
"""The widest reach of an interval that can show a number reproduced: 1.5 points of accuracy, a
factor of 1.5 in epochs and runtimes. Chosen by this project."""
COLUMNS = [
    *("table", "row", "variant", "metric", "unit", "paper", "ours", "ours_low", "ours_high"),
    *("seeds", "difference", "verdict", "reason", "difference_low", "difference_high"),
    *("relative_to", "paper_relative", "ours_relative", "relative_low", "relative_high"),
    "conditions",
]
Row = dict[str, Any]


@dataclass(frozen=True)
class Ours:
    """Our runs, as every published number is held against them."""

    runs: pd.DataFrame
    """The measures of `metrics.csv`, by variant and seed."""
    sweep: Sweep
    provenance: dict[str, Any]
    unit: float
    """The paper's seconds of an epoch of the reference variant."""

    def spread(self, metric: str) -> tuple[Source, str]:
        """Variance between seeds for variants with one, and where it comes from."""
        if metric == "test_accuracy":
            known = pooled(values.to_numpy() for _, values in self.runs.groupby("variant")[metric])
        else:
            known = self.sweep.seed_spread(metric)
        if known:
            return known, "one seed, with the spread between seeds of other variants"
        return Source(ASSUMED[metric] ** 2), "one seed, with an assumed spread between seeds"


def compare(
    published: pd.DataFrame,
    runs: pd.DataFrame,
    courses: dict[str, dict[int, Course]],
    provenance: dict[str, Any],
) -> pd.DataFrame:
    """One row for each published number.

    `ours` is the mean over seeds, `ours_low` and `ours_high` its 95 % interval; `difference` is
    ours minus the paper's. Runtimes have no difference: `ours_relative` and `paper_relative` are
    multiples of an epoch of `relative_to`. The intervals of differences and multiples are those
    for the paper's single run. `conditions` is what makes the runs another thing than the paper's.
    """
    is_unit = (published["variant"] == REFERENCE) & (published["metric"] == "epoch_seconds")
    unit = float(published.loc[is_unit, "value"].iloc[0])
    ours = Ours(runs, Sweep(courses=courses), provenance, unit)
    records = [_compare_row(row, ours) for row in published.to_dict("records")]
    return pd.DataFrame(records, columns=COLUMNS).astype({"seeds": "int64"})


def _compare_row(row: dict[Any, Any], ours: Ours) -> Row:
    variant, metric, paper = row["variant"], row["metric"], row["value"]
    runs = runs_of(ours.runs, variant)
    known = {key: row[key] for key in ("table", "row", "variant", "metric", "unit")}
    known |= {"paper": paper, "seeds": len(runs)}
    if metric in RUNTIMES:
        known |= {"relative_to": REFERENCE, "paper_relative": paper / ours.unit}
    if runs.empty:
        return known | {"verdict": "not run", "reason": "this variant has no finished run"}
    courses = ours.sweep.courses[variant]
    low, high = own_interval(metric, runs[metric], int(runs["test_images"].iloc[0]), courses)
    known |= {"ours": runs[metric].mean(), "ours_low": low, "ours_high": high}
    known |= {"conditions": "; ".join(deviations(ours.provenance, runs))}
    known |= _runtime(known, ours) if metric in RUNTIMES else _difference(known, ours)
    if ours.provenance["source"] not in EMNIST_SOURCES:
        return known | {"verdict": "not comparable", "reason": "another data set than the paper's"}
    if metric in OF_BEST and any(course.is_cut_short for course in courses.values()):
        reason = f"best at or near the last epoch, fewer than the paper's {PAPER_EPOCHS}"
        return known | {"verdict": "undecidable", "reason": reason}
    return known


def _difference(known: Row, ours: Ours) -> Row:
    """Of a test accuracy, or of a best epoch."""
    metric, paper = known["metric"], known["paper"]
    runs = runs_of(ours.runs, known["variant"])
    values = runs[metric].to_numpy()
    spread, origin = ours.spread(metric)
    if metric == "test_accuracy":
        gap = accuracy_gap(values, int(runs["test_images"].iloc[0]), paper, spread)
        low, high = gap.interval
    else:
        gap = epoch_gap(values, paper, spread)
        low, high = (paper * math.expm1(bound) for bound in gap.interval)
    shown = {"difference": values.mean() - paper, "difference_low": low, "difference_high": high}
    return shown | _judge(gap, metric, len(values), origin)


def _runtime(known: Row, ours: Ours) -> Row:
    """A runtime in epochs of the reference variant."""
    variant, metric, paper = known["variant"], known["metric"], known["paper"]
    if (variant, metric) == (REFERENCE, "epoch_seconds"):
        reason = "all runtimes are multiples of this one"
        return {"ours_relative": 1.0, "verdict": "reference", "reason": reason}
    mine, reference = ours.sweep.courses[variant], ours.sweep.courses.get(REFERENCE, {})
    seeds = len(mine.keys() & reference.keys())
    if not seeds:
        return {"verdict": "not run", "reason": f"{REFERENCE}, the reference, has no finished run"}
    spread, origin = ours.spread(metric)
    gap = runtime_gap(metric, mine, reference, paper, ours.unit, spread)
    low, high = gap.value - gap.reach, gap.value + gap.reach
    paper_relative = known["paper_relative"]
    relative = {
        "ours_relative": math.exp(gap.value) * paper_relative,
        "relative_low": math.exp(low) * paper_relative,
        "relative_high": math.exp(high) * paper_relative,
    }
    if metric == "epoch_seconds" and runtimes_measured(ours.runs):
        seeds, origin = 1, "rounds measured side by side, with an assumed spread of the paper's"
    return relative | _judge(gap, metric, seeds, origin)


def _judge(gap: Gap, metric: str, seeds: int, origin: str) -> Row:
    basis = f"95 % interval over {f'{seeds} seeds' if seeds > 1 else origin}"
    if metric == "test_accuracy":
        basis += ", and test images"
    low, high = gap.interval
    if low > 0 or high < 0:
        return {"verdict": "differs", "reason": basis}
    if gap.reach > RESOLUTION[metric]:
        return {"verdict": "undecidable", "reason": f"{basis}; too wide to show a difference"}
    return {"verdict": "reproduced", "reason": basis}
