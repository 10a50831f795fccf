"""On how many test images two networks name the same class."""

import itertools

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Drawing

from convnets.analyses.panels import TINY, add_remark
from convnets.analyses.runs import Predictions
from convnets.exhibits.style import SMALL, WIDTH


def measure_agreement(predictions: Predictions) -> pd.DataFrame:
    """The share of test images that two networks name alike, a row for each pair of variants.

    Of two variants, the networks of the smallest seed are compared. A variant with several seeds
    has a row with itself: the mean over all pairs of its seeds.
    """
    records = []
    for first, second in itertools.combinations_with_replacement(predictions.named, 2):
        own = predictions.named[first]
        if first == second:
            pairs = list(itertools.combinations(own, 2))
        else:
            pairs = [(own[0], predictions.named[second][0])]
        shares = [float(np.mean(one == other)) for one, other in pairs]
        if shares:
            records.append(
                {"variant": first, "other": second, "pairs": len(pairs)}
                | {"agreement": float(np.mean(shares))}
            )
    return pd.DataFrame(records, columns=["variant", "other", "pairs", "agreement"])


def draw_agreement(table: pd.DataFrame, variants: list[str], remark: str) -> Drawing:
    """A heat map in the order of `variants`, the agreement between seeds on its diagonal."""
    grid = pd.DataFrame(np.nan, index=variants, columns=variants)
    for row in table.to_dict("records"):
        one, other = row["variant"], row["other"]
        grid.loc[one, other] = grid.loc[other, one] = row["agreement"]
    drawing = Drawing(figsize=(WIDTH, WIDTH + 0.5), layout="constrained")
    axes = drawing.subplots()
    sns.heatmap(
        grid, ax=axes, cmap="viridis", square=True, linewidths=0.2, xticklabels=True,
        yticklabels=True,
        cbar_kws={"location": "top", "shrink": 0.8, "aspect": 40, "pad": 0.01},
    )  # fmt: skip
    axes.tick_params(labelsize=TINY - 0.5, length=0, pad=1)
    axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="y", rotation=0)
    axes.grid(False)
    axes.set_facecolor("0.93")
    scale = drawing.axes[-1]
    scale.tick_params(labelsize=SMALL, length=2, pad=1)
    scale.set_xlabel("Share of test images named alike", fontsize=SMALL)
    add_remark(drawing, remark)
    return drawing


def describe_agreement(table: pd.DataFrame, conditions: str) -> str:
    """The figure in words."""
    between = table[table["variant"] != table["other"]].sort_values("agreement")
    text = "The share of test images that the networks of two variants, of the smallest seed, name "
    text += "alike."
    if len(between):
        least, most = between.iloc[0], between.iloc[-1]
        text += f" Most alike: {_pair(most)}; least: {_pair(least)}."
    return f"{text} {yardstick(table)} {conditions}."


def yardstick(table: pd.DataFrame) -> str:
    """What the seeds of a variant say, beside which two variants can be judged."""
    seeds = table[table["variant"] == table["other"]]
    if seeds.empty:
        return "There is one seed of each variant, and so no agreement between seeds to judge by."
    values = "; ".join(
        f"{row['variant']} {row['agreement']:.3f}" for row in seeds.to_dict("records")
    )
    return f"Two seeds of the same variant agree as on the diagonal: {values}."


def _pair(row: pd.Series) -> str:
    return f"{row['variant']} and {row['other']} ({row['agreement']:.3f})"
