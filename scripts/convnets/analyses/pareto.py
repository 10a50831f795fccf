"""Test accuracy against what a network costs, and which networks are the best for their cost."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from convnets.analyses.panels import TINY, add_remark
from convnets.analyses.runs import Runs
from convnets.exhibits.style import LOOKS, SMALL, WIDTH
from convnets.judging.numbers import own_interval
from convnets.judging.spread import Spread
from convnets.judging.witnesses import spreads_of
from convnets.runs.metrics import runs_of

COSTS = {
    "parameters": "Parameters",
    "multiply_adds": "Multiply-adds for one image",
    "epoch_seconds": "Seconds an epoch",
}
NAME_SPACE = 0.22
"""Room for the name of the cheapest variant, as a share of the others' span."""
PATCH = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.4}
"""Keeps the lines behind a name away from it."""
LINE = 0.05
"""Height of a line of text, as a share of a panel."""


def collect_costs(runs: Runs, metrics: pd.DataFrame) -> pd.DataFrame:
    """A row for each variant: its costs, its accuracy, and where no other variant beats it.

    `test_accuracy` is the mean over seeds, `low` and `high` its 95 % interval, `front_COST` tells
    whether no other variant is as cheap and as accurate, and better in one of the two.
    """
    spread = spreads_of(metrics)["test_accuracy"]
    rows = [_row(id, seeds[0].variant.method, metrics, spread) for id, seeds in runs.items()]
    table = pd.DataFrame(rows)
    for cost in COSTS:
        table[f"front_{cost}"] = on_front(table[cost].to_numpy(), table["test_accuracy"].to_numpy())
    return table


def on_front(costs: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """Which points no other one dominates: as cheap, as accurate, and better in one of the two."""
    as_cheap = costs <= costs[:, None]
    as_accurate = accuracies >= accuracies[:, None]
    better = (costs < costs[:, None]) | (accuracies > accuracies[:, None])
    return np.asarray(~(as_cheap & as_accurate & better).any(axis=1))


def draw_pareto(table: pd.DataFrame, remark: str) -> Drawing:
    """A panel for each cost, on a logarithmic scale; the points of the front have names."""
    drawing = Drawing(figsize=(WIDTH, 2.75 * len(COSTS) + 0.5), layout="constrained")
    panels = drawing.subplots(len(COSTS), 1, sharey=True)
    for axes, (cost, label) in zip(panels, COSTS.items(), strict=True):
        _draw_points(axes, table, cost)
        axes.set_xscale("log")
        left, right = table[cost].min(), table[cost].max()
        span = right / left if right > left else 2
        axes.set_xlim(left / span**NAME_SPACE, right * span**0.05)
        axes.set(xlabel=label, ylabel="Test accuracy")
        _draw_front(axes, table[table[f"front_{cost}"]].sort_values(cost), cost)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    methods = table["method"].unique()
    drawing.legend(
        handles=[
            Line2D([], [], linestyle="", marker=LOOKS[name].marker, color=LOOKS[name].colour,
                   label=name)
            for name in methods
        ],
        loc="outside upper left", ncols=4, frameon=False, fontsize=SMALL, handletextpad=0.1,
    )  # fmt: skip
    add_remark(drawing, f"Bars: 95 % intervals. Line: the front. {remark}.")
    return drawing


def describe_pareto(table: pd.DataFrame, conditions: str) -> str:
    """The figure in words."""
    fronts = "; ".join(f"by {label.lower()}: {_front(table, x)}" for x, label in COSTS.items())
    return (
        f"Test accuracy of {len(table)} variants against what they cost. The front, the variants "
        "than which no other one is as cheap and as accurate and better in one of the two, from "
        f"the cheapest on, {fronts}. Bars are 95 % intervals over test images and "
        f"seeds. {conditions}."
    )


def _row(variant: str, method: str, metrics: pd.DataFrame, spread: Spread) -> dict[str, Any]:
    own = runs_of(metrics, variant)
    low, high = own_interval("test_accuracy", own, spread)
    about: dict[str, Any] = {"variant": variant, "method": method, "seeds": len(own)}
    about |= {"test_accuracy": own["test_accuracy"].mean(), "low": low, "high": high}
    return about | {cost: own[cost].mean() for cost in COSTS}


def _draw_points(axes: Axes, table: pd.DataFrame, cost: str) -> None:
    for method, points in table.groupby("method"):
        look, accuracy = LOOKS[str(method)], points["test_accuracy"]
        axes.errorbar(
            points[cost], accuracy, yerr=[accuracy - points["low"], points["high"] - accuracy],
            linestyle="", marker=look.marker, color=look.colour, markersize=5, elinewidth=0.8,
            markeredgecolor="white", markeredgewidth=0.5,
        )  # fmt: skip


def _draw_front(axes: Axes, front: pd.DataFrame, cost: str) -> None:
    """Steps through `front`, sorted by `cost`, and names in the free space above and left of it.

    A name stands above the one before, so that none covers another.
    """
    axes.step(
        front[cost], front["test_accuracy"], where="post", color="0.5", linewidth=0.8, zorder=1.2
    )
    bottom, top = axes.get_ylim()
    line = LINE * (top - bottom)
    height = -np.inf
    for point in front.to_dict("records"):
        height = max(point["high"] + line, height + 1.3 * line)
        axes.annotate(
            point["variant"],
            xy=(point[cost], point["test_accuracy"]), xytext=(point[cost], height),
            ha="right", va="center", fontsize=TINY,
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "relpos": (1, 0)},
            bbox=PATCH, zorder=1.5,
        )  # fmt: skip
    axes.set_ylim(bottom, max(top, height + line))


def _front(table: pd.DataFrame, cost: str) -> str:
    front = table[table[f"front_{cost}"]].sort_values(cost)
    return ", ".join(
        f"{point['variant']} ({_number(point[cost])}: {point['test_accuracy']:.3f})"
        for point in front.to_dict("records")
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
