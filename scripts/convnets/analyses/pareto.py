"""Test accuracy against what a network costs, and which networks are Pareto-optimal."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from convnets.analyses.study import TINY, Analysis, Study, add_legend
from convnets.architectures.methods import METHODS
from convnets.exhibits.style import WIDTH
from convnets.judging.conditions import runtime_conditions
from convnets.runs.metrics import runs_of

COSTS = {
    "parameters": "Parameters",
    "multiply_adds": "Multiply-adds for one image",
    "epoch_seconds": "Seconds an epoch",
}
LINE = 0.075
"""Height of a line of text, as a share of the height of the points."""
MARKER = 5
"""Size of a marker in points."""


def analyse(study: Study) -> Analysis:
    """The figure `analysis_pareto`."""
    table = collect_costs(study)
    values = {
        "number": len(table),
        "fronts": {
            text: table[table[f"front_{cost}"]].sort_values(cost)["label"]
            for cost, text in COSTS.items()
        },
        "reaching": {cost: table[f"open_{cost}"].sum() for cost in COSTS},
        "runtime_conditions": runtime_conditions(study.metrics),
    }
    return table, draw_pareto(table), values


def collect_costs(study: Study) -> pd.DataFrame:
    """A row for each variant with a runtime: accuracy, costs, and whether it is Pareto-optimal."""
    costs_of = [runs_of(study.metrics, id)[list(COSTS)].mean() for id in study.runs]
    table = study.accuracies().join(pd.DataFrame(costs_of)).dropna(subset=list(COSTS))
    accuracies = table["test_accuracy"].to_numpy()
    for cost in COSTS:
        costs = table[cost].to_numpy()
        table[f"front_{cost}"] = on_front(costs, accuracies)
        best = np.where(costs <= costs[:, None], accuracies, 0).max(axis=1)
        table[f"open_{cost}"] = ~table[f"front_{cost}"] & (table["high"] >= best)
    return table


def on_front(costs: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """Whether each point is Pareto-optimal: no other is at least as good in both, better in one."""
    as_cheap = costs <= costs[:, None]
    as_accurate = accuracies >= accuracies[:, None]
    better = (costs < costs[:, None]) | (accuracies > accuracies[:, None])
    return np.asarray(~(as_cheap & as_accurate & better).any(axis=1))


def draw_pareto(table: pd.DataFrame) -> Drawing:
    """A panel for each cost, on a logarithmic scale."""
    drawing = Drawing(figsize=(WIDTH, 2.9 * len(COSTS) + 0.5), layout="constrained")
    panels = drawing.subplots(len(COSTS), 1, sharey=True)
    for axes, (cost, label) in zip(panels, COSTS.items(), strict=True):
        axes.set_xscale("log")
        left, right = table[cost].min(), table[cost].max()
        span = right / left if right > left else 2
        axes.set_xlim(left / span**0.5, right * span**0.05)  # names are on the left
        axes.set(xlabel=label, ylabel="Test accuracy")
        axes.spines[["top", "right"]].set_visible(False)
    marks = {
        look.title: {"color": look.colour, "marker": look.marker, "linestyle": ""}
        for look in (METHODS[name] for name in table["method"].unique())
    }
    add_legend(drawing, marks, columns=3, handletextpad=0.1)
    low, high = table["low"].min(), table["high"].max()
    line = LINE * (high - low)
    fronts = {}
    for cost in COSTS:  # the names are above the intervals, and above those of cheaper variants
        front = table[table[f"front_{cost}"]].sort_values(cost)
        steps = line * np.arange(len(front))
        fronts[cost] = front.assign(height=(front["high"] + line - steps).cummax() + steps)
    panels[0].set_ylim(low - line, max(front["height"].max() for front in fronts.values()) + line)
    drawing.draw_without_rendering()  # distances between points are final after this
    drawing.set_layout_engine("none")
    for axes, cost in zip(panels, COSTS, strict=True):
        _draw_points(axes, table, cost)
        _name_front(axes, fronts[cost], cost)
    return drawing


def apart(points: np.ndarray, distance: float) -> np.ndarray:
    """Horizontal positions of `points` (points, 2), the nearest that are `distance` apart."""
    placed: list[np.ndarray] = []
    for x, y in points:
        steps = sorted(range(-2 * len(points), 2 * len(points) + 1), key=abs)
        tries = (np.array([x + 0.51 * step * distance, y]) for step in steps)
        free = (at for at in tries if all(np.hypot(*(at - p)) >= distance for p in placed))
        placed.append(next(free))
    return np.array(placed)[:, 0]


def _draw_points(axes: Axes, table: pd.DataFrame, cost: str) -> None:
    pixels = axes.transData.transform(table[[cost, "test_accuracy"]])
    pixels[:, 0] = apart(pixels, (MARKER + 1) * axes.figure.dpi / 72)
    across = axes.transData.inverted().transform(pixels)[:, 0]
    for x, point in zip(across, table.to_dict("records"), strict=True):
        look = METHODS[point["method"]]
        axes.vlines(x, point["low"], point["high"], color=look.colour, linewidth=0.8)
        axes.plot(
            x, point["test_accuracy"], marker=look.marker, color=look.colour, markersize=MARKER,
            markeredgecolor="white", markeredgewidth=0.5, linestyle="", zorder=3,
        )  # fmt: skip


def _name_front(axes: Axes, front: pd.DataFrame, cost: str) -> None:
    """Steps through `front`, sorted by `cost`, and its names in the free space above and left."""
    axes.step(
        front[cost], front["test_accuracy"], where="post", color="0.5", linewidth=0.8, zorder=1.2
    )
    for point in front.to_dict("records"):
        axes.annotate(
            point["label"],
            xy=(point[cost], point["test_accuracy"]), xytext=(point[cost], point["height"]),
            ha="right", va="center", fontsize=TINY,
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "relpos": (1, 0)},
            zorder=1.5,
        )  # fmt: skip
