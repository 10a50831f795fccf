"""Pairs of classes that networks confuse."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from convnets.analyses.runs import Predictions

ALPHA = 0.05
"""Probability that chance alone makes any pair peculiar to any variant."""
BASELINE = "fully_connected"
"""A method worse throughout, which the convolutional ones are not compared with."""


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Number of images of a class (row) predicted as another (column), summed over seeds.

    `labels` (images,), `predicted` (seeds, images); the result is int64 (classes, classes).
    """
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (np.broadcast_to(labels, predicted.shape), predicted), 1)
    return counts


def collect_confusions(
    predictions: Predictions, variants: Mapping[str, str], classes: Sequence[str]
) -> pd.DataFrame:
    """A row for each of `variants`, given by method, and each pair of classes.

    `share` of the images of both classes is predicted as the other one; `elsewhere` is its mean
    over the other convolutional variants. `peculiar` pairs are confused more often than elsewhere,
    by a one-sided test of two shares, whose level is divided by the number of pairs and variants.
    Images count once however many seeds there are: networks err on the same ones. With one seed the
    result is about this one network.
    """
    tables = [_pairs(variant, method, predictions, classes) for method, variant in variants.items()]
    shares = pd.DataFrame(
        {method: table["share"] for method, table in zip(variants, tables, strict=True)}
    )
    for method, table in zip(variants, tables, strict=True):
        others = shares.drop(columns=[method, BASELINE], errors="ignore")
        table["elsewhere"] = others.mean(axis=1)
    table = pd.concat(tables, ignore_index=True)
    table["p"] = _p_above(table["share"], table["elsewhere"], table["images"])
    table["peculiar"] = table["p"] < ALPHA / len(table)
    return table


def most_confused(table: pd.DataFrame, number: int) -> list[str]:
    """The pairs with the highest mean share over variants, without those never confused."""
    means = table.groupby("pair", sort=False)["share"].mean()
    return list(means[means > 0].sort_values(ascending=False, kind="stable").index[:number])


def most_peculiar(table: pd.DataFrame) -> pd.DataFrame:
    """The peculiar pair of each variant that is the furthest from elsewhere, if it has any."""
    peculiar = table[table["peculiar"]].assign(excess=table["share"] - table["elsewhere"])
    ranked = peculiar.sort_values("excess", ascending=False, kind="stable")
    return ranked.groupby("method", sort=False).head(1)


def confused_images(
    predictions: Predictions, variants: Mapping[str, str], true: int, wrong: int, number: int
) -> list[tuple[int, int]]:
    """Up to `number` test images of class `true` that networks of the smallest seed call `wrong`.

    Each is its position among the test images and its number of such networks, the most first.
    """
    wrongly = np.array([predictions.predicted[id][0] == wrong for id in variants.values()])
    votes = wrongly.sum(axis=0) * (predictions.labels == true)
    first = np.argsort(-votes, kind="stable")[:number]
    return [(int(place), int(votes[place])) for place in first if votes[place]]


def _pairs(
    variant: str, method: str, predictions: Predictions, classes: Sequence[str]
) -> pd.DataFrame:
    predicted = predictions.predicted[variant]
    counts = confusion_matrix(predictions.labels, predicted, len(classes))
    per_class = np.bincount(predictions.labels, minlength=len(classes))
    first, second = np.triu_indices(len(classes), k=1)
    names = np.array(list(classes), dtype=object)
    table = pd.DataFrame({"first": names[first], "second": names[second]})
    table.insert(0, "pair", table["first"] + "/" + table["second"])
    table.insert(0, "seeds", len(predicted))
    table.insert(0, "method", method)
    table.insert(0, "variant", variant)
    table["first_as_second"] = counts[first, second]
    table["second_as_first"] = counts[second, first]
    table["images"] = per_class[first] + per_class[second]
    errors = table["first_as_second"] + table["second_as_first"]
    table["share"] = errors / (table["images"].clip(lower=1) * len(predicted))
    return table


def _p_above(share: pd.Series, elsewhere: pd.Series, images: pd.Series) -> np.ndarray:
    """One-sided p-value of two shares of as many images being the same; 1 where unknown."""
    mean = (share + elsewhere) / 2
    deviation = np.sqrt((2 * mean * (1 - mean) / images.clip(lower=1)).to_numpy())
    distance = (share - elsewhere).to_numpy()
    scores = np.divide(distance, deviation, out=np.zeros_like(distance), where=deviation > 0)
    return np.where(deviation > 0, stats.norm.sf(scores), 1.0)
