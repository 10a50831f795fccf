"""Test accuracy of every seed beside the paper's, a row for each variant."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from convnets.analyses.study import Analysis, Study, add_legend
from convnets.architectures.methods import METHODS
from convnets.exhibits.style import SMALL, WIDTH, text_colour
from convnets.judging.others import read_prior
from convnets.judging.published import distinct_numbers, read_published

MARKS: dict[str, dict[str, Any]] = {
    "a seed": {"color": "0.3", "marker": "o", "markersize": 3.5, "linestyle": ""},
    "95 % interval": {"color": "0.3", "linewidth": 3, "alpha": 0.35},
    "paper": {"color": "black", "marker": "o", "fillstyle": "none", "linestyle": ""},
    "other people": {"color": "0.35", "marker": "|", "linestyle": ""},
}
"""The legend."""


def analyse(study: Study) -> Analysis:
    """The figure `analysis_accuracies`, whose rows have the 95 % interval of the variant's mean."""
    table = study.accuracies().drop(columns="test_accuracy")
    table = table.merge(study.metrics["test_accuracy"].reset_index(), on="variant")
    table["paper"] = table["variant"].map(distinct_numbers(read_published())["test_accuracy"])
    table = table[["variant", "label", "method", "seed", "test_accuracy", "low", "high", "paper"]]
    others = read_prior().usable("test_accuracy")
    others = others[others["variant"].isin(table["variant"])]
    known = table.dropna(subset="paper").drop_duplicates("variant")
    inside = known["paper"].between(known["low"], known["high"]).sum()
    values = {"others": len(others), "known": len(known), "inside": inside}
    return table, draw_accuracies(table, others), values


def draw_accuracies(table: pd.DataFrame, others: pd.DataFrame) -> Drawing:
    """A row for each variant, in the order of `table`; `others` has a `variant` in each row."""
    variants = table.groupby("variant", sort=False)
    drawing = Drawing(figsize=(WIDTH, 0.19 * len(variants) + 1), layout="constrained")
    axes = drawing.subplots()
    for row, (id, seeds) in enumerate(variants):
        first, colour = seeds.iloc[0], METHODS[seeds["method"].iloc[0]].colour
        axes.hlines(row, first["low"], first["high"], color=colour, linewidth=3, alpha=0.35)
        down = np.linspace(-0.25, 0.25, len(seeds) + 2)[1:-1]  # so that no seed covers another
        axes.plot(seeds["test_accuracy"], row + down, "o", color=colour, markersize=3.5)
        axes.plot(first["paper"], row, "o", color="black", markersize=7, fillstyle="none")
        known = others.loc[others["variant"] == id, "test_accuracy"]
        axes.plot(known, np.full(len(known), row + 0.4), "|", color="0.35", markersize=4)
    axes.set_ylim(len(variants) - 0.4, -0.6)
    axes.set_yticks(range(len(variants)), variants["label"].first(), fontsize=SMALL)
    for text, method in zip(axes.get_yticklabels(), variants["method"].first(), strict=True):
        text.set_color(text_colour(METHODS[method].colour))
    axes.tick_params(axis="x", top=True, labeltop=True, length=0)
    axes.set_xlabel("Test accuracy")
    axes.spines[["top", "right", "left"]].set_visible(False)
    add_legend(drawing, MARKS, columns=4)
    return drawing
