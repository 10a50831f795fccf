"""Test accuracy of every seed beside the paper's, a row for each variant."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from convnets.analyses.runs import AnalysedRuns, Analysis
from convnets.architectures.methods import METHODS
from convnets.core.templates import texts
from convnets.exhibits.style import SMALL, WIDTH, add_footnote, text_colour
from convnets.judging.numbers import own_interval
from convnets.judging.others import read_prior
from convnets.judging.published import distinct_numbers, read_published
from convnets.judging.witnesses import spreads_of
from convnets.runs.metrics import runs_of

ROW = 0.19
"""Height of a row in inches."""
SPREAD = 0.5
"""Part of a row's height over which the seeds are spread, so that none covers another."""
MARKS = {
    "a seed": {"color": "0.3", "marker": "o", "markersize": 3.5, "linestyle": ""},
    "95 % interval": {"color": "0.3", "linewidth": 3, "alpha": 0.35},
    "paper": {"color": "black", "marker": "o", "fillstyle": "none", "linestyle": ""},
    "other people": {"color": "0.35", "marker": "|", "linestyle": ""},
}
"""The legend."""


def analyse(study: AnalysedRuns) -> Analysis:
    """The figure `analysis_accuracies`."""
    table = collect_accuracies(study)
    others = read_prior().usable("test_accuracy")
    others = others[others["variant"].isin(table["variant"])]
    known = table.dropna(subset="paper").drop_duplicates("variant")
    words = texts(
        "analysis_accuracies",
        others=len(others),
        known=len(known),
        inside=known["paper"].between(known["low"], known["high"]).sum(),
        conditions=study.conditions(),
    )
    return Analysis(words, table, draw_accuracies(table, others, words["footnote"]))


def collect_accuracies(study: AnalysedRuns) -> pd.DataFrame:
    """A row for each run, with the `paper`'s number and the 95 % interval of the variant's mean."""
    spread = spreads_of(study.metrics)["test_accuracy"]
    paper = distinct_numbers(read_published())["test_accuracy"]
    records = []
    for id, seeds in study.runs.items():
        runs = runs_of(study.metrics, id)
        low, high = own_interval("test_accuracy", runs, spread)
        about = {"variant": id, "label": study.labels[id], "method": seeds[0].variant.method}
        bounds = {"low": low, "high": high, "paper": paper.get(id, np.nan)}
        for seed in (run.record["seed"] for run in seeds):
            accuracy = runs.at[(id, seed), "test_accuracy"]
            records.append(about | {"seed": seed, "test_accuracy": accuracy} | bounds)
    return pd.DataFrame(records)


def draw_accuracies(table: pd.DataFrame, others: pd.DataFrame, footnote: str) -> Drawing:
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
    axes.spines[["top", "right", "left"]].set_visible(False)
    keys = [Line2D([], [], label=label, **mark) for label, mark in MARKS.items()]  # type: ignore[arg-type]
    drawing.legend(handles=keys, loc="outside upper left", ncols=4, frameon=False, fontsize=SMALL)
    add_footnote(drawing, footnote)
    return drawing
