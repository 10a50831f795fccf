"""How many of their errors two networks share.

Networks that are right on 88 % of the images agree on most images whatever they learned, so
agreement is measured on the errors.
"""

import itertools
import math

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Drawing

from convnets.analyses.panels import TINY
from convnets.analyses.runs import Analysis, Predictions, Sweep, load_predictions
from convnets.exhibits.style import SMALL, WIDTH, add_remark

LEGEND = (
    "Each cell: of the test images that at least one of two networks gets wrong, the share that "
    "both assign to the same wrong class."
)


def analyse(sweep: Sweep) -> Analysis:
    """The figure `analysis_agreement`."""
    table = measure_agreement(load_predictions(sweep.runs))
    remark = f"{LEGEND} {yardstick(table, sweep.labels)} {sweep.conditions()}."
    drawing = draw_agreement(table, sweep.labels, remark)
    return Analysis("Shared errors", f"{extremes(table, sweep.labels)} {remark}", table, drawing)


def measure_agreement(predictions: Predictions) -> pd.DataFrame:
    """The share of errors that two networks have in common, a row for each pair of variants.

    Two variants are compared through their networks of the smallest seed. A variant with several
    seeds has a row with itself: the mean over all pairs of its seeds. `errors` is the number of
    images that at least one network gets wrong, `reach` half of the 95 % interval over test images.
    """
    labels, records = predictions.labels, []
    for first, second in itertools.combinations_with_replacement(predictions.predicted, 2):
        own = predictions.predicted[first]
        if first == second:
            pairs = list(itertools.combinations(own, 2))
        else:
            pairs = [(own[0], predictions.predicted[second][0])]
        if not pairs:
            continue
        wrong = [(one != labels) | (other != labels) for one, other in pairs]
        errors = float(np.mean([at.sum() for at in wrong]))
        shares = [
            (one == other)[at].mean() if at.any() else math.nan
            for (one, other), at in zip(pairs, wrong, strict=True)
        ]
        share = float(np.mean(shares))
        reach = 1.96 * math.sqrt(share * (1 - share) / errors) if errors else math.nan
        records.append((first, second, len(pairs), errors, share, reach))
    columns = ["variant", "other", "pairs", "errors", "shared_errors", "reach"]
    return pd.DataFrame(records, columns=columns)


def draw_agreement(table: pd.DataFrame, labels: dict[str, str], remark: str) -> Drawing:
    """A heat map in the order of `labels`, with the seeds of a variant on its diagonal."""
    grid = pd.DataFrame(np.nan, index=list(labels), columns=list(labels))
    for row in table.to_dict("records"):
        one, other = row["variant"], row["other"]
        grid.loc[one, other] = grid.loc[other, one] = 100 * row["shared_errors"]
    drawing = Drawing(figsize=(WIDTH, WIDTH + 0.3), layout="constrained")
    axes = drawing.subplots()
    sns.heatmap(
        grid, ax=axes, cmap="viridis", square=True, linewidths=0.2,
        xticklabels=list(labels.values()), yticklabels=list(labels.values()),
        cbar_kws={"location": "top", "shrink": 0.8, "aspect": 40, "pad": 0.01},
    )  # fmt: skip
    axes.tick_params(labelsize=TINY - 0.5, length=0, pad=1)
    axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="y", rotation=0)
    axes.grid(False)
    axes.set_facecolor("0.93")
    scale = drawing.axes[-1]
    scale.tick_params(labelsize=SMALL, length=2, pad=1)
    scale.set_xlabel("Shared errors in %", fontsize=SMALL)
    add_remark(drawing, remark)
    return drawing


def extremes(table: pd.DataFrame, labels: dict[str, str]) -> str:
    """The pairs of variants that share the most and the fewest errors."""
    text = "The share of their errors that the networks of two variants have in common."
    between = table[table["variant"] != table["other"]].dropna().sort_values("shared_errors")
    if between.empty:
        return text
    fewest, most = (
        f"{labels[row['variant']]} and {labels[row['other']]} "
        f"({100 * row['shared_errors']:.0f} ± {100 * row['reach']:.0f} %)"
        for row in (between.iloc[0], between.iloc[-1])
    )
    return f"{text} Most: {most}; fewest: {fewest}."


def yardstick(table: pd.DataFrame, labels: dict[str, str]) -> str:
    """How well a cell is known, and how many errors two seeds of one variant share."""
    known = f"Test images leave a cell uncertain by up to ±{100 * table['reach'].max():.0f} points."
    seeds = table[table["variant"] == table["other"]]
    if seeds.empty:
        return f"{known} Every variant has one seed, so variation between seeds is unknown."
    values = "; ".join(
        f"{labels[row['variant']]} {100 * row['shared_errors']:.0f} %"
        for row in seeds.to_dict("records")
    )
    return f"{known} Diagonal: two seeds of the same variant ({values})."
