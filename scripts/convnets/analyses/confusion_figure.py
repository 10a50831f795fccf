"""The figure of confusions: shares of the pairs of classes, and images of the most confused."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle

from convnets.analyses.confusions import (
    collect_confusions,
    confused_images,
    most_confused,
    most_peculiar,
)
from convnets.analyses.panels import TINY
from convnets.analyses.runs import (
    Analysis,
    Predictions,
    Sweep,
    load_predictions,
    one_of_each_method,
)
from convnets.architectures.methods import METHODS
from convnets.data.dataset import load_dataset
from convnets.exhibits.style import SMALL, WIDTH, add_remark, ink
from convnets.runs.metrics import runs_of

ORANGE = "#D55E00"
PAIRS = 10
"""Most confused pairs to show by method."""
SAMPLED = 5
"""Number of these pairs that are shown with images."""
SAMPLES = 4
"""Images for each pair and direction."""
PLAIN = "DejaVu Sans Mono"
"""Type in which zero and O differ."""
DARKEST = 0.75
"""Part of the colour map that shares use."""


def analyse(sweep: Sweep) -> Analysis:
    """The figure `analysis_confusions`."""
    dataset = load_dataset(sweep.arguments.data)
    classes = list(dataset.provenance["classes"])
    variants = one_of_each_method(sweep.runs)
    predictions = load_predictions({id: sweep.runs[id] for id in variants.values()})
    table = collect_confusions(predictions, variants, classes)
    about = sweep.conditions(runs_of(sweep.metrics, *variants.values()))
    shown = [sweep.labels[id] for id in variants.values()]
    drawing = draw_confusions(
        table, predictions, variants, dataset.images[predictions.images], classes,
        f"{legend(table)} {about}.",
    )  # fmt: skip
    description = describe_confusions(table, shown, about)
    return Analysis("Confused classes", description, table[table["share"] > 0], drawing)


def draw_confusions(
    table: pd.DataFrame,
    predictions: Predictions,
    variants: Mapping[str, str],
    images: np.ndarray,
    classes: Sequence[str],
    remark: str,
) -> Drawing:
    """Shares of the most confused pairs, then of those peculiar to a method; and images.

    `images` are the test images in the order of the predictions.
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
        for half, (true, wrong) in enumerate(((first, second), (second, first))):
            indices = classes.index(true), classes.index(wrong)
            found = confused_images(predictions, variants, *indices, SAMPLES)
            for axes, (place, votes) in zip(row[half * SAMPLES :], found, strict=False):
                _draw_image(axes, images[place])
                arrow, size = ("→", TINY) if len(true + wrong) == 2 else ("→\n", TINY - 1.5)
                axes.set_title(f"{true}{arrow}{wrong} {votes}", fontsize=size, family=PLAIN, pad=2)
    add_remark(drawing, remark)
    return drawing


def legend(table: pd.DataFrame) -> str:
    """The meaning of the drawing's parts."""
    methods, share = table["method"].nunique(), table["share"]
    reach = 196 * np.sqrt(share * (1 - share) / table["images"].clip(lower=1)).max()
    return (
        "Top: percentage of the images of two classes predicted as the other one, by the first "
        f"variant of each method (test images leave it uncertain by up to ±{reach:.1f} points); "
        "framed: significantly more than in the other convolutional variants. Bottom: test images, "
        f"true→predicted class, and how many of {methods} networks make this error."
    )


def describe_confusions(table: pd.DataFrame, variants: Sequence[str], conditions: str) -> str:
    """The figure in words."""
    by_method = "; ".join(
        f"{METHODS[str(method)].title}: {_top(rows)}"
        for method, rows in table.groupby("method", sort=False)
    )
    peculiar = "; ".join(
        f"{METHODS[row['method']].title} {row['pair']}, {row['share']:.1%} against "
        f"{row['elsewhere']:.1%}"
        for row in most_peculiar(table).to_dict("records")
    )
    return (
        f"Pairs of classes that one variant of each method confuses ({'; '.join(variants)}). Most "
        "often, as a share of the images of both classes and with the number of errors over all "
        f"seeds: {by_method}. Confused significantly more often by one method than by the other "
        "convolutional ones (one-sided test of two shares, 5 % for all pairs together; with one "
        f"seed the result is about this network only): {peculiar or 'none'}. Below, test images of "
        f"the most confused pairs that most networks get wrong. {conditions}."
    )


def _draw_shares(axes: Axes, table: pd.DataFrame, pairs: list[str], common: int) -> None:
    methods = list(table["method"].unique())
    shown = table[table["pair"].isin(pairs)]
    shares = 100 * shown.pivot(index="pair", columns="method", values="share")
    darkest = shares.to_numpy().max() / DARKEST
    sns.heatmap(
        shares.loc[pairs, methods], ax=axes, annot=True, fmt=".1f", cmap="Blues", cbar=False,
        linewidths=0.5, annot_kws={"fontsize": TINY}, vmin=0, vmax=darkest,
    )  # fmt: skip
    for text, colour in zip(axes.texts, axes.collections[0].get_facecolor(), strict=True):
        text.set_color(ink(colour))
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0, pad=1)
    axes.set_yticklabels(pairs, family=PLAIN,
                         fontsize=SMALL, rotation=0)  # fmt: skip
    axes.set_xticklabels(
        ["\n".join(METHODS[name].title.rsplit(" ", 1)) for name in methods], fontsize=TINY
    )
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
    """Draw an image dark on light if it is grey (height, width), or in colour (3, ...)."""
    axes.imshow(image if image.ndim == 2 else np.moveaxis(image, 0, -1), cmap="gray_r")
