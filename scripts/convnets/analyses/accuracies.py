"""Test accuracy of every seed beside the paper's, a row for each variant."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from convnets.analyses.runs import Analysis, Sweep
from convnets.architectures.methods import METHODS
from convnets.exhibits.style import SMALL, WIDTH, add_remark, text_colour
from convnets.judging.numbers import own_interval
from convnets.judging.others import read_prior
from convnets.judging.published import distinct_numbers, read_published
from convnets.judging.witnesses import spreads_of
from convnets.runs.metrics import runs_of

ROW = 0.19
"""Height of a row in inches."""
SPREAD = 0.5
"""Part of a row's height over which the seeds are spread, so that none covers another."""


def analyse(sweep: Sweep) -> Analysis:
    """The figure `analysis_accuracies`."""
    table = collect_accuracies(sweep)
    others = read_prior(sweep.arguments.prior).usable("test_accuracy")
    others = others[others["variant"].isin(table["variant"])]
    remark = (
        "Dots: our seeds, with the 95 % interval of their mean (bar; one seed has the spread of "
        f"the others). Ring: the paper. Ticks below: {len(others)} runs of other people on the "
        f"official data. {sweep.conditions()}."
    )
    known = table.dropna(subset="paper").drop_duplicates("variant")
    inside = ((known["low"] <= known["paper"]) & (known["paper"] <= known["high"])).sum()
    description = (
        "Test accuracy of each variant by seed, beside the paper's number. Of the paper's "
        f"{len(known)} numbers, {inside} lie inside our 95 % interval. {remark}"
    )
    drawing = draw_accuracies(table, others, remark)
    return Analysis("Test accuracy by seed", description, table, drawing)


def collect_accuracies(sweep: Sweep) -> pd.DataFrame:
    """A row for each run, with the `paper`'s number and the 95 % interval of the variant's mean."""
    spread = spreads_of(sweep.metrics)["test_accuracy"]
    paper = distinct_numbers(read_published(sweep.arguments.published))["test_accuracy"]
    records = []
    for id, seeds in sweep.runs.items():
        runs = runs_of(sweep.metrics, id)
        low, high = own_interval("test_accuracy", runs, spread)
        records += [
            {"variant": id, "label": sweep.labels[id], "method": run.variant.method}
            | {"seed": run.seed, "test_accuracy": runs.at[(id, run.seed), "test_accuracy"]}
            | {"low": low, "high": high, "paper": paper.get(id, np.nan)}
            for run in seeds
        ]
    return pd.DataFrame(records)


def draw_accuracies(table: pd.DataFrame, others: pd.DataFrame, remark: str) -> Drawing:
    """A row for each variant, in the order of `table`; `others` has a `variant` in each row."""
    variants = table.groupby("variant", sort=False)
    drawing = Drawing(figsize=(WIDTH, ROW * len(variants) + 1), layout="constrained")
    axes = drawing.subplots()
    for row, (id, seeds) in enumerate(variants):
        first, colour = seeds.iloc[0], METHODS[seeds["method"].iloc[0]].colour
        axes.hlines(row, first["low"], first["high"], color=colour, linewidth=3, alpha=0.35)
        down = np.linspace(-SPREAD / 2, SPREAD / 2, len(seeds) + 2)[1:-1]
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
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    drawing.legend(
        handles=_keys(), loc="outside upper left", ncols=4, frameon=False, fontsize=SMALL
    )
    add_remark(drawing, remark)
    return drawing


def _keys() -> list[Line2D]:
    return [
        Line2D([], [], color="0.3", marker="o", markersize=3.5, linestyle="", label="a seed"),
        Line2D([], [], color="0.3", linewidth=3, alpha=0.35, label="95 % interval"),
        Line2D([], [], color="black", marker="o", fillstyle="none", linestyle="", label="paper"),
        Line2D([], [], color="0.35", marker="|", linestyle="", label="other people"),
    ]
