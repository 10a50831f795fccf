"""The figure of confusions: how often pairs of classes are confused, and images of that."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle

from convnets.analyses.confusions import confused_images, most_confused, most_peculiar
from convnets.analyses.panels import TINY, add_remark
from convnets.analyses.runs import Predictions
from convnets.exhibits.style import SMALL, WIDTH

ORANGE = "#D55E00"
PAIRS = 10
"""Most confused pairs to show by method."""
SAMPLED = 5
"""Of these, those with images."""
SAMPLES = 4
"""Images for each pair and direction."""
PLAIN = "DejaVu Sans Mono"
"""Type in which zero and O differ."""


def draw_confusions(
    table: pd.DataFrame,
    predictions: Predictions,
    variants: Mapping[str, str],
    images: np.ndarray,
    classes: Sequence[str],
    remark: str,
) -> Drawing:
    """Shares of pairs by method, those of one method last, and images of the most confused ones.

    `images` are those of the test, in the order of the predictions.
    """
    common = most_confused(table, PAIRS)
    pairs = list(dict.fromkeys([*common, *most_peculiar(table)["pair"]]))
    sampled = common[:SAMPLED]
    heights = [0.21 * len(pairs) + 0.7, 0.78 * len(sampled) + 0.3]
    drawing = Drawing(figsize=(WIDTH, sum(heights)), layout="constrained")
    halves = drawing.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    _draw_shares(halves[0].subplots(), table, pairs, len(common))
    grid = halves[1].subplots(max(len(sampled), 1), 2 * SAMPLES, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    members = table.drop_duplicates("pair").set_index("pair")[["first", "second"]]
    for row, pair in zip(grid, sampled, strict=False):
        first, second = map(str, members.loc[pair])
        for half, (true, named) in enumerate(((first, second), (second, first))):
            indices = classes.index(true), classes.index(named)
            found = confused_images(predictions, variants, *indices, SAMPLES)
            for axes, (place, votes) in zip(row[half * SAMPLES :], found, strict=False):
                _draw_image(axes, images[place])
                arrow, size = ("→", TINY) if len(true + named) == 2 else ("→\n", TINY - 1.5)
                axes.set_title(f"{true}{arrow}{named} {votes}", fontsize=size, family=PLAIN, pad=2)
    add_remark(drawing, remark)
    return drawing


def legend(table: pd.DataFrame) -> str:
    """How to read the drawing."""
    methods = table["method"].nunique()
    return (
        "Top: percentage of the images of two classes named as the other one, by the first "
        "variant of each method; framed: far more than the other convolutional ones. Bottom: "
        f"true→named, and how many of {methods} networks name the image so; images that most do."
    )


def describe_confusions(table: pd.DataFrame, conditions: str) -> str:
    """The figure in words."""
    variants = ", ".join(table["variant"].unique())
    by_method = "; ".join(
        f"{method}: {_top(rows)}" for method, rows in table.groupby("method", sort=False)
    )
    peculiar = "; ".join(
        f"{row['method']} {row['pair']}, {row['share']:.1%} against {row['elsewhere']:.1%}"
        for row in most_peculiar(table).to_dict("records")
    )
    return (
        f"Pairs of classes that {variants} confuse. Most often, as a share of the images of both "
        f"classes and with the number of errors over all seeds, {by_method}. Confused far more "
        "often by one method than by the other convolutional ones (two shares, one-sided, 5 % for "
        f"all pairs together; with one seed, by this one network): {peculiar or 'none'}. Below, "
        f"test images of the most confused pairs that most networks name wrongly. {conditions}."
    )


def _draw_shares(axes: Axes, table: pd.DataFrame, pairs: list[str], common: int) -> None:
    methods = list(table["method"].unique())
    shown = table[table["pair"].isin(pairs)]
    shares = 100 * shown.pivot(index="pair", columns="method", values="share")
    sns.heatmap(
        shares.loc[pairs, methods], ax=axes, annot=True, fmt=".1f", cmap="Blues", cbar=False,
        linewidths=0.5, annot_kws={"fontsize": TINY},
    )  # fmt: skip
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0, pad=1)
    axes.set_yticklabels(pairs, family=PLAIN,
                         fontsize=SMALL, rotation=0)  # fmt: skip
    axes.set_xticklabels(["\n".join(name.rsplit("_", 1)) for name in methods], fontsize=TINY)
    axes.xaxis.tick_top()
    for row in shown[shown["peculiar"]].to_dict("records"):
        axes.add_patch(_frame(methods.index(row["method"]), pairs.index(row["pair"])))
    if common < len(pairs):
        axes.axhline(common, color="0.3", linewidth=1)


def _top(rows: pd.DataFrame, number: int = 3) -> str:
    first = rows.sort_values("share", ascending=False, kind="stable").head(number)
    errors = first["first_as_second"] + first["second_as_first"]
    return ", ".join(
        f"{pair} {share:.1%} ({number:,})"
        for pair, share, number in zip(first["pair"], first["share"], errors, strict=True)
    )


def _frame(column: int, row: int) -> Rectangle:
    return Rectangle(
        (column, row), 1, 1, fill=False, edgecolor=ORANGE, linewidth=1.5, zorder=3, clip_on=False
    )


def _draw_image(axes: Axes, image: np.ndarray) -> None:
    """Dark on light if it is grey, (height, width); else in colour, (3, height, width)."""
    axes.imshow(image if image.ndim == 2 else np.moveaxis(image, 0, -1), cmap="gray_r")
