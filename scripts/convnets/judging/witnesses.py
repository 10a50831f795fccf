"""Two of the judge's three witnesses: our runs, and the paper's own numbers.

Other people's runs are in `convnets.judging.others`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from convnets.core.errors import UserError
from convnets.judging.conditions import PAPER_IMAGES
from convnets.judging.estimates import (
    ACCURACY,
    QUANTITIES,
    Estimates,
    Spread,
    estimate,
    image_covariance,
    learn_spread,
    on_scale,
    replicates,
)
from convnets.judging.published import distinct_numbers, rounding
from convnets.runs.metrics import median_interval, rounds_of, runtimes_measured
from convnets.runs.run_folder import RunFolder

OWN_IMAGES, OTHER_IMAGES = 0.68, 0.61
"""Assumed covariance of being correct on an image, as a share of p (1 - p): of two networks of one
variant, and of two variants. Networks of this kind disagree on about 8 % of the images; other seeds
repeat about a sixth of that."""


@dataclass(frozen=True)
class Predictions:
    """The predictions of networks for the test images."""

    images: np.ndarray
    """int64 (images,): positions of the test images among all images of the data."""
    labels: np.ndarray
    """uint8 (images,): their true classes."""
    predicted: Mapping[str, np.ndarray]
    """By variant, uint8 (seeds, images): the classes that its networks predicted."""


@dataclass(frozen=True)
class SeedSample:
    """Runs by variant and seed, aligned with the variants of a family of comparisons."""

    values: Mapping[str, np.ndarray]
    """By quantity: (variants, seeds), nan where there is no run."""
    spreads: Mapping[str, Spread]
    """By quantity."""
    images: np.ndarray
    """Covariance of the accuracies from test images (variants, variants)."""
    rounding: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Variance from rounded digits, by quantity: (variants,)."""

    def estimates(self, quantity: str, weights: np.ndarray) -> Estimates:
        """The effects that `weights` (effects, variants) make of a quantity."""
        images = self.images if quantity == ACCURACY else None
        effects = estimate(self.values[quantity], weights, self.spreads[quantity], images)
        if quantity in self.rounding:
            effects.of_images[:] += weights**2 @ self.rounding[quantity]
        return effects


def our_runs(
    runs: pd.DataFrame, correct: Mapping[str, np.ndarray], variants: list[str]
) -> SeedSample:
    """Our runs: `runs` as read from metrics.csv, `correct` as read from their predictions."""
    values = {quantity: replicates(runs, quantity, variants) for quantity in QUANTITIES}
    images = image_covariance([correct.get(variant) for variant in variants])
    return SeedSample(values, spreads_of(runs), images)


def spreads_of(runs: pd.DataFrame) -> dict[str, Spread]:
    """The spread between seeds of every quantity, learnt from all variants of `runs`."""
    variants = list(runs.index.get_level_values("variant").unique())
    return {name: learn_spread(replicates(runs, name, variants), name) for name in QUANTITIES}


def own_interval(quantity: str, runs: pd.DataFrame, spread: Spread) -> tuple[float, float]:
    """The 95 % interval of the mean of a quantity over the `runs` of a variant, in its own unit.

    It is over seeds and, for an accuracy, test images; one seed has the spread of other variants.
    Runtimes of an epoch that were measured side by side have the interval of the rounds' median.
    """
    if quantity == "epoch_seconds" and runtimes_measured(runs):
        return median_interval(rounds_of(runs, runs.index[0][0]))
    numbers, images = on_scale(quantity, runs[quantity].to_numpy(float)), None
    if quantity == ACCURACY:
        mean = numbers.mean()
        images = np.array([[mean * (1 - mean) / int(runs["test_images"].iloc[0])]])
    low, high = np.ravel(estimate(numbers[None], np.ones((1, 1)), spread, images).interval)
    if quantity == ACCURACY:
        return max(float(low), 0.0), min(float(high), 1.0)
    return math.exp(low), math.exp(high)


def papers_numbers(published: pd.DataFrame, variants: list[str], ours: SeedSample) -> SeedSample:
    """The paper's own numbers: one seed of each variant, with the spread that ours have."""
    values, of_digits, known = {}, {}, distinct_numbers(published)
    for quantity in QUANTITIES:
        numbers = known[quantity].reindex(variants).to_numpy(float)
        of_digits[quantity] = np.nan_to_num(rounding(quantity, numbers) ** 2 / 3)
        values[quantity] = on_scale(quantity, numbers)[:, None]
    images = images_of(values[ACCURACY][:, 0], ours)
    return SeedSample(values, ours.spreads, images, of_digits)


def images_of(accuracies: np.ndarray, ours: SeedSample) -> np.ndarray:
    """Covariance from the paper's test images of variants with `accuracies`, nan if unknown.

    It comes from our predictions if we have all of these variants, else it is assumed.
    """
    known = np.isfinite(accuracies)
    if (np.diag(ours.images)[known] > 0).all():
        return ours.images
    spread = np.sqrt(np.nan_to_num(accuracies * (1 - accuracies)))
    shares = np.full((len(spread), len(spread)), OTHER_IMAGES)
    np.fill_diagonal(shares, OWN_IMAGES)
    return shares * np.outer(spread, spread) / PAPER_IMAGES["test"]


def read_correct(folders: Iterable[Path]) -> dict[str, np.ndarray]:
    """Whether each network is correct on each test image, by variant: bool (seeds, images).

    Raises `UserError` unless all runs were tested on the same images.
    """
    predictions = read_predictions(map(RunFolder, folders))
    return {id: rows == predictions.labels for id, rows in predictions.predicted.items()}


def read_predictions(runs: Iterable[RunFolder]) -> Predictions:
    """The predictions of `runs`. Raises `UserError` if they were tested on different images."""
    tests = [(run, run.predictions) for run in runs]
    first, expected = tests[0]
    predicted: dict[str, list[np.ndarray]] = {}
    for run, test in tests:
        if not np.array_equal(test["index"], expected["index"]):
            raise UserError(
                f"{run.path} and {first.path} were tested on different images, expected the same: "
                "test both again, on the same data, with evaluate.py"
            )
        predicted.setdefault(run.record["variant"]["id"], []).append(test["prediction"])
    arrays = {id: np.array(rows) for id, rows in predicted.items()}
    return Predictions(expected["index"], expected["label"], arrays)
