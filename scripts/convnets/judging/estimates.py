"""Effects as estimated from runs: weighted sums of variants, with their errors.

An effect gives each variant a weight: +1 and -1 for a difference, equally spaced ones for a slope.
docs/judging.md explains its variance, from test images and from seeds (moderated, Smyth 2004).
Accuracies are fractions, everything else is in logarithms.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from convnets.judging.conditions import censored
from convnets.runs.metrics import EPOCH_ROUND, runtimes_measured

ACCURACY = "test_accuracy"
QUANTITIES = (ACCURACY, "best_epoch", "epoch_seconds", "seconds_to_best")
OF_BEST = ("best_epoch", "seconds_to_best")
ASSUMED = {ACCURACY: 0.003, "best_epoch": 0.3, "epoch_seconds": 0.1, "seconds_to_best": 0.3}
"""Standard deviation between seeds, assumed where no variant has several."""
ASSUMED_DF = 8
"""Degrees of freedom that the assumption counts for."""
ASSUMED_INEQUALITY = 0.25
"""Assumed squared coefficient of variation of the variants' variances: that of standard
deviations between 0.15 and 0.4 points."""
ALPHA = 1 - 0.95
"""Level of all tests; intervals are at 95 %."""
POWER = 0.8
MOST_SEEDS = 100
"""Largest number of seeds that planning considers."""


@dataclass(frozen=True)
class Spread:
    """Variance between the seeds of a variant."""

    variance: float
    """Mean over the variants."""
    df: float
    """Degrees of freedom of that mean."""
    inequality: float = ASSUMED_INEQUALITY
    """Squared coefficient of variation of the variants' true variances."""

    def prior_df(self, weights: np.ndarray) -> np.ndarray:
        """Degrees of freedom of the pooled variance as that of each row of `weights`.

        A weighted sum of variants averages their variances, which makes it less unequal. The
        variances are taken to be inverse chi-square, as in limma.
        """
        squares = weights**2
        share = (squares**2).sum(axis=1) / squares.sum(axis=1) ** 2
        unequal = 4 + 2 / np.maximum(self.inequality * share, 1e-6)
        return np.asarray(1 / (1 / unequal + 1 / self.df))


def learn_spread(values: np.ndarray, quantity: str) -> Spread:
    """The spread of `values` (variants, seeds), nan where there is no run."""
    number = np.isfinite(values).sum(axis=1)
    df = number[number > 1] - 1
    total = int(df.sum())
    assumed = ASSUMED[quantity] ** 2
    if not total:
        return Spread(assumed, ASSUMED_DF)
    variances = np.nanvar(values[number > 1], axis=1, ddof=1)
    mean = df @ variances / total
    # The mean square of a variance estimate is (1 + 2 / df) times that of the true variance.
    mean_square = df @ (variances**2 / (1 + 2 / df)) / total
    observed = max(mean_square / mean**2 - 1, 0) if mean > 0 else 0.0
    weight = total / (total + ASSUMED_DF)
    return Spread(
        float(weight * mean + (1 - weight) * assumed),
        total + ASSUMED_DF,
        float(weight * observed + (1 - weight) * ASSUMED_INEQUALITY),
    )


def on_scale(quantity: str, values: Any) -> Any:
    """Accuracies as they are, everything else as logarithms."""
    return values if quantity == ACCURACY else np.log(values)


def by_seed(runs: pd.DataFrame, quantity: str, variants: list[str]) -> np.ndarray:
    """`quantity` of `runs` as (variants, seeds), nan where there is no run.

    All but accuracies are logarithms. A variant with a censored best epoch has none, nor has it a
    runtime until then: leaving out single seeds would favour the early ones.
    """
    values = runs[quantity].unstack("seed").reindex(variants)
    if quantity in OF_BEST:
        values[values.index.isin(censored(runs))] = np.nan
    return np.asarray(on_scale(quantity, values.to_numpy(float)))


def replicates(runs: pd.DataFrame, quantity: str, variants: list[str]) -> np.ndarray:
    """The repeated observations of a quantity: seeds, or the rounds of a measurement side by side.

    The variants of a round are paired, as those of a seed are.
    """
    if quantity != "epoch_seconds" or not runtimes_measured(runs):
        return by_seed(runs, quantity, variants)
    rounds = [name for name in runs.columns if name.startswith(EPOCH_ROUND)]
    return np.log(runs.groupby("variant")[rounds].first().reindex(variants).to_numpy(float))


@dataclass(frozen=True)
class Estimates:
    """Effects with their errors; every field has one number for each effect."""

    value: np.ndarray
    """The effect, nan where a variant has no run."""
    of_seeds: np.ndarray
    """Variance from seeds."""
    df: np.ndarray
    """Degrees of freedom of `of_seeds`."""
    of_images: np.ndarray
    """Variance from test images."""
    seeds: np.ndarray
    """Number of seeds, the smallest of the variants concerned."""

    @cached_property
    def error(self) -> np.ndarray:
        """Standard error."""
        return np.sqrt(self.of_seeds + self.of_images)

    @cached_property
    def total_df(self) -> np.ndarray:
        """Degrees of freedom of `error` (Welch and Satterthwaite)."""
        return self.df * (1 + self.of_images / self.of_seeds) ** 2

    @property
    def reach(self) -> np.ndarray:
        """Half of the width of the 95 % interval."""
        return np.asarray(special.stdtrit(self.total_df, 1 - ALPHA / 2) * self.error)

    @property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The 95 % interval."""
        return self.value - self.reach, self.value + self.reach

    def seeds_to_decide(self, index: int, distance: float, level: float) -> int | None:
        """Seeds that would show effect `index` to be `distance` from a bound, with 80 % power.

        The effect, its errors and the one-sided `level` stay as they are. None when more than
        `MOST_SEEDS` would be needed, or the test images alone leave it open.
        """
        now = max(int(self.seeds[index]), 1)
        number = np.arange(1, MOST_SEEDS + 1)
        of_seeds, of_images = self.of_seeds[index] * now / number, self.of_images[index]
        df = np.maximum(self.df[index] + number - now, 1) * (1 + of_images / of_seeds) ** 2
        needed = special.stdtrit(df, 1 - level) + special.stdtrit(df, POWER)
        enough = number[needed * np.sqrt(of_seeds + of_images) <= distance]
        return int(enough[0]) if len(enough) else None


def estimate(
    values: np.ndarray, weights: np.ndarray, spread: Spread, images: np.ndarray | None = None
) -> Estimates:
    """The effects that `weights` (effects, variants) make of `values` (variants, seeds).

    Every variant counts with all of its seeds. The own variance of an effect comes from the seeds
    that all of its variants have, which pairs them. `images` is the covariance (variants,
    variants) from test images.
    """
    present = np.isfinite(values)
    number = present.sum(axis=1)
    used = (weights != 0).astype(float)
    known = used @ (number == 0) == 0
    filled = np.where(present, values, 0.0)
    means = filled.sum(axis=1) / np.maximum(number, 1)
    paired = used @ ~present == 0
    by_seed = weights @ filled
    own_df = np.maximum(paired.sum(axis=1) - 1, 0)
    middle = (by_seed * paired).sum(axis=1) / np.maximum(own_df + 1, 1)
    squares = (((by_seed - middle[:, None]) * paired) ** 2).sum(axis=1)
    prior_df = spread.prior_df(weights)
    total = (weights**2).sum(axis=1)
    moderated = (prior_df * spread.variance * total + squares) / (prior_df + own_df)
    of_seeds = moderated * (weights**2 @ (1 / np.maximum(number, 1))) / total
    of_images = np.zeros(len(weights))
    if images is not None:
        of_images = np.maximum(np.einsum("ev,vw,ew->e", weights, images, weights), 0)
    seeds = np.where(used > 0, number, number.max(initial=0) + 1).min(axis=1)
    value = np.where(known, weights @ means, np.nan)
    return Estimates(value, of_seeds, prior_df + own_df, of_images, seeds)


def image_covariance(correct: list[np.ndarray | None]) -> np.ndarray:
    """Covariance of the variants' accuracies over test images.

    `correct` has an array (seeds, images) for each variant, 1 where a network is correct, or None.
    Variance between the seeds of an image is subtracted: it is part of the spread between seeds.
    With one seed it is unknown and not subtracted, which errs on the safe side.
    """
    covariance = np.zeros((len(correct), len(correct)))
    known = {place: right for place, right in enumerate(correct) if right is not None}
    if not known:
        return covariance
    seeds = np.array([len(right) for right in known.values()])
    # Whole numbers below 2**53: their sums are exact, and the same on every processor.
    counts = np.array([right.sum(axis=0) for right in known.values()], float)
    totals, products = counts.sum(axis=1), counts @ counts.T
    images = counts.shape[1]
    centred = products - np.outer(totals, totals) / images
    between = centred / np.outer(seeds, seeds) / (images - 1)
    within = (totals / seeds - products.diagonal() / seeds**2) / images
    within = within / np.maximum(seeds - 1, 1) * (seeds > 1)
    between[np.diag_indices_from(between)] -= within
    places = list(known)
    covariance[np.ix_(places, places)] = between / images
    return covariance
