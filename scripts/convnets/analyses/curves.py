"""Training and validation accuracy by epoch: the gap between them shows over-fitting."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from convnets.analyses.study import TINY, Analysis, Runs, Study, add_legend, variant_panels
from convnets.architectures.methods import METHODS
from convnets.exhibits.style import SMALL
from convnets.runs.metrics import shared_epochs

LINES = {"train": ":", "val": "-"}
MARKS: dict[str, dict[str, Any]] = {
    "training accuracy": {"color": "0.3", "linestyle": LINES["train"]},
    "validation accuracy": {"color": "0.3", "linestyle": LINES["val"]},
    "best epoch": {"color": "0.3", "linestyle": "", "marker": "o", "markersize": 4},
}
"""The legend."""
HIDDEN = 0.02
"""Share of the points, those of the first climb, that may be below the axis."""


def analyse(study: Study) -> Analysis:
    """The figure `analysis_curves`."""
    curves = collect_curves(study.runs)
    drawing, below = draw_curves(curves, study.labels)
    values = {
        "labels": study.labels,
        "seeds": curves["seeds"].max(),
        "below": below,
        "best": curves[curves["best"]].to_dict("records"),
    }
    return curves, drawing, values


def collect_curves(runs: Runs) -> pd.DataFrame:
    """A row for each variant and epoch of all its seeds: mean, lowest and highest accuracy."""
    curves = []
    for variant, seeds in runs.items():
        columns: dict[str, Any] = {"variant": variant, "method": seeds[0].variant.method}
        columns["seeds"] = len(seeds)
        for part in LINES:
            values = shared_epochs(seeds, f"{part}_accuracy")
            columns[f"{part}_mean"] = values.mean(axis=1)
            columns[f"{part}_low"], columns[f"{part}_high"] = values.min(axis=1), values.max(axis=1)
        curve = pd.DataFrame(columns)
        curve["best"] = curve.index == curve["val_mean"].idxmax()
        curves.append(curve.reset_index())
    return pd.concat(curves, ignore_index=True)


def draw_curves(curves: pd.DataFrame, labels: dict[str, str]) -> tuple[Drawing, int]:
    """A panel for each variant, all with the same scales; the number of points below them."""
    by_variant = {str(id): curve for id, curve in curves.groupby("variant", sort=False)}
    drawing, panels = variant_panels([labels[id] for id in by_variant], 1.25, shared=True)
    for axes, curve in zip(panels, by_variant.values(), strict=True):
        _draw_curve(axes, curve)
    bottom = float(curves["val_low"].quantile(HIDDEN))
    top = float(max(curves["train_high"].max(), curves["val_high"].max()))
    margin = 0.06 * (top - bottom) or 0.01
    panels[0].set_ylim(bottom - margin, top + margin)
    panels[0].yaxis.set_major_locator(MaxNLocator(4))
    panels[0].xaxis.set_major_locator(MaxNLocator(3, integer=True))
    drawing.supylabel("Accuracy", fontsize=SMALL)
    drawing.supxlabel("Epoch", fontsize=SMALL)
    add_legend(drawing, MARKS, columns=3)
    return drawing, int((curves["val_mean"] < bottom - margin).sum())


def _draw_curve(axes: Axes, curve: pd.DataFrame) -> None:
    colour = METHODS[curve["method"].iloc[0]].colour
    for part, line in LINES.items():
        low, high = curve[f"{part}_low"], curve[f"{part}_high"]
        axes.fill_between(curve["epoch"], low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(curve["epoch"], curve[f"{part}_mean"], line, color=colour, linewidth=1.2)
    best = curve[curve["best"]].iloc[0]
    axes.plot(best["epoch"], best["val_mean"], "o", color=colour, markersize=4)
    gap = round(best["train_mean"] - best["val_mean"], 3) + 0.0  # no minus before zero
    numbers = f"{best['val_mean']:.3f}, {gap:+.3f}".replace("-", "\N{MINUS SIGN}")
    axes.set_xlabel(numbers, fontsize=TINY, labelpad=2)
