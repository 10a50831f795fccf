"""Pairs of classes that networks confuse: their shares, and images of the most confused."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from convnets.analyses.study import TINY, Analysis, Study
from convnets.architectures.methods import METHODS
from convnets.data.dataset import load_dataset
from convnets.exhibits.style import SMALL, WIDTH, ink
from convnets.judging.conditions import conditions
from convnets.judging.witnesses import Predictions, read_predictions
from convnets.runs.metrics import runs_of

TOLD, PAIRS, SAMPLED = 3, 10, 5
"""Most confused pairs to name by method in the description, to show by method, and with images."""
SAMPLES = 4
"""Images for each pair and direction."""
PLAIN = "DejaVu Sans Mono"
"""Typeface in which zero and O differ."""


def analyse(study: Study) -> Analysis:
    """The figure `analysis_confusions`."""
    dataset = load_dataset(study.data)
    classes = list(dataset.provenance["classes"])
    variants: dict[str, str] = {}
    for id, (run, *_) in study.runs.items():
        variants.setdefault(run.variant.method, id)
    predictions = read_predictions(run for id in variants.values() for run in study.runs[id])
    table = collect_confusions(predictions, variants, classes)
    share, by_method = table["share"], table.groupby("method", sort=False)
    values = {
        "variants": [study.labels[id] for id in variants.values()],
        "methods": {name: method.title for name, method in METHODS.items()},
        "reach": 196 * np.sqrt(share * (1 - share) / table["images"].clip(lower=1)).max(),
        "top": {name: rows.nlargest(TOLD, "share").to_dict("records") for name, rows in by_method},
        "conditions": conditions(study.provenance, runs_of(study.metrics, *variants.values())),
    }
    images = dataset.images[predictions.images]
    drawing = draw_confusions(table, predictions, variants, images, classes)
    return table[share > 0], drawing, values


def collect_confusions(
    predictions: Predictions, variants: Mapping[str, str], classes: Sequence[str]
) -> pd.DataFrame:
    """A row for each of `variants`, given by method, and each pair of classes (docs/results.md)."""
    per_class = np.bincount(predictions.labels, minlength=len(classes))
    first, second = np.triu_indices(len(classes), k=1)
    names = np.array(list(classes), dtype=object)
    tables = []
    for method, variant in variants.items():
        predicted = predictions.predicted[variant]
        counts = np.zeros((len(classes), len(classes)), np.int64)
        np.add.at(counts, (np.broadcast_to(predictions.labels, predicted.shape), predicted), 1)
        columns = {
            "variant": variant,
            "method": method,
            "seeds": len(predicted),
            "pair": names[first] + "/" + names[second],
            "first": names[first],
            "second": names[second],
            "first_as_second": counts[first, second],
            "second_as_first": counts[second, first],
            "images": per_class[first] + per_class[second],
        }
        tables.append(pd.DataFrame(columns))
    table = pd.concat(tables, ignore_index=True)
    errors = table["first_as_second"] + table["second_as_first"]
    table["share"] = errors / (table["images"].clip(lower=1) * table["seeds"])
    return table


def most_confused(table: pd.DataFrame, number: int) -> list[str]:
    """The pairs with the highest mean share over variants, without those never confused."""
    means = table.groupby("pair", sort=False)["share"].mean()
    return list(means[means > 0].nlargest(number).index)


def confused_images(
    predictions: Predictions, variants: Mapping[str, str], true: int, wrong: int, number: int
) -> list[tuple[int, int]]:
    """Up to `number` test images of class `true` that networks of the first seed predict `wrong`.

    Each is its position among the test images and its number of such networks, the most first.
    """
    wrongly = np.array([predictions.predicted[id][0] == wrong for id in variants.values()])
    votes = wrongly.sum(axis=0) * (predictions.labels == true)
    first = np.argsort(-votes, kind="stable")[:number]
    return [(int(place), int(votes[place])) for place in first if votes[place]]


def draw_confusions(
    table: pd.DataFrame,
    predictions: Predictions,
    variants: Mapping[str, str],
    images: np.ndarray,
    classes: Sequence[str],
) -> Drawing:
    """Shares of the most confused pairs, and some of the test `images`."""
    pairs = most_confused(table, PAIRS)
    sampled = pairs[:SAMPLED]
    heights = [0.21 * len(pairs) + 0.7, 0.78 * len(sampled) + 0.3]
    drawing = Drawing(figsize=(WIDTH, sum(heights)), layout="constrained")
    halves = drawing.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    _draw_shares(halves[0].subplots(), table, pairs)
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
                image = images[place]  # grey (height, width), or in colour (3, height, width)
                axes.imshow(image if image.ndim == 2 else np.moveaxis(image, 0, -1), cmap="gray_r")
                arrow, size = ("→", TINY) if len(true + wrong) == 2 else ("→\n", TINY - 1.5)
                axes.set_title(f"{true}{arrow}{wrong} {votes}", fontsize=size, family=PLAIN, pad=2)
    return drawing


def _draw_shares(axes: Axes, table: pd.DataFrame, pairs: list[str]) -> None:
    methods = list(table["method"].unique())
    shown = table[table["pair"].isin(pairs)]
    shares = 100 * shown.pivot(index="pair", columns="method", values="share")
    sns.heatmap(
        shares.loc[pairs, methods], ax=axes, annot=True, fmt=".1f", cmap="Blues", cbar=False,
        linewidths=0.5, annot_kws={"fontsize": TINY}, vmin=0, vmax=shares.to_numpy().max() / 0.75,
    )  # fmt: skip
    for text, colour in zip(axes.texts, axes.collections[0].get_facecolor(), strict=True):
        text.set_color(ink(colour))
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0, pad=1)
    axes.set_yticklabels(pairs, family=PLAIN, fontsize=SMALL, rotation=0)
    axes.set_xticklabels(
        ["\n".join(METHODS[name].title.rsplit(" ", 1)) for name in methods], fontsize=TINY
    )
    axes.xaxis.tick_top()
