"""Epochs and runtimes compared as ratios, through their logarithms.

Over several seeds the ratio of a seed is one observation, and Student's t gives its mean: seeds are
a sample of all seeds. With one seed the conclusion is on these trained networks only:

- epoch runtime: the epochs of a run are its observations (Welch's comparison of two means).
  Measured side by side, the rounds are, whose ratios are paired, and the seeds do not matter;
- best epoch, and the runtime until then: the validation accuracy of every epoch is drawn again
  from the binomial distribution, as other validation images would have given it, and the best epoch
  found again (parametric bootstrap). Epochs are drawn apart, although they err on the same images,
  which makes this interval too wide rather than too narrow.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from convnets.conditions import PAPER_EPOCHS
from convnets.judging.effect import ALPHA, Effect, Source
from convnets.judging.paired import shared_seeds

QUANTITIES = ("best_epoch", "epoch_seconds", "seconds_to_best")
DRAWS = 2_000
DRAWS_SEED = 0


@dataclass(frozen=True)
class Course:
    """The course of one training, epoch by epoch."""

    val_accuracy: np.ndarray
    epoch_seconds: np.ndarray
    validation_images: int
    rounds: np.ndarray = field(default_factory=lambda: np.empty(0))
    """Seconds an epoch of the variant in each round of the measurement side by side, (rounds,);
    empty without one."""

    @property
    def seconds_until(self) -> np.ndarray:
        """Runtime until the end of each epoch, (epochs,)."""
        if len(self.rounds):
            return np.arange(1, len(self.val_accuracy) + 1) * np.median(self.rounds)
        return np.cumsum(self.epoch_seconds)

    def measure(self, quantity: str) -> float:
        """One of `QUANTITIES`; the best epoch counts from 1 and is the earliest on a tie."""
        if quantity == "epoch_seconds":
            return float(np.median(self.rounds) if len(self.rounds) else self.epoch_seconds.mean())
        best = int(self.val_accuracy.argmax()) + 1
        return float(best if quantity == "best_epoch" else self.seconds_until[best - 1])

    @cached_property
    def is_cut_short(self) -> bool:
        """Whether training ended before the paper's did, at its best so far or near it.

        Near: with other validation images the last epoch would be the best in one case of 40.
        """
        epochs = len(self.val_accuracy)
        if epochs >= PAPER_EPOCHS:
            return False
        if self.measure("best_epoch") == epochs:
            return True
        return bool(np.quantile(self.resampled("best_epoch"), 1 - ALPHA / 2) == epochs)

    def variance_of_log(self, quantity: str) -> Source:
        """How well this run alone tells the logarithm of `quantity`, see the module's text."""
        if quantity == "epoch_seconds":
            epochs = len(self.epoch_seconds)
            if epochs == 1:
                return Source(0)
            error = self.epoch_seconds.std(ddof=1) / self.epoch_seconds.mean()
            return Source(float(error**2) / epochs, epochs - 1)
        return Source(float(np.log(self.resampled(quantity)).var(ddof=1)))

    def resampled(self, quantity: str) -> np.ndarray:
        """Best epochs, or runtimes until then, as other validation images would give them."""
        rng = np.random.default_rng(DRAWS_SEED)
        size = (DRAWS, len(self.val_accuracy))
        drawn = rng.binomial(self.validation_images, self.val_accuracy, size).argmax(axis=1)
        values = drawn + 1 if quantity == "best_epoch" else self.seconds_until[drawn]
        return np.asarray(values, float)


def ratio_effect(
    courses: Mapping[str, Mapping[int, Course]], quantity: str, weights: Mapping[str, float]
) -> Effect:
    """The weighted sum of the logarithms of `quantity`, over the seeds that all variants have."""
    seeds = shared_seeds(courses, list(weights))
    rounds = {variant: courses[variant][seeds[0]].rounds for variant in weights}
    if quantity == "epoch_seconds" and all(map(len, rounds.values())):
        ratios = sum(weight * np.log(rounds[variant]) for variant, weight in weights.items())
        return over_rounds(np.asarray(ratios), len(seeds))
    values = np.array(
        [
            sum(w * math.log(courses[v][seed].measure(quantity)) for v, w in weights.items())
            for seed in seeds
        ]
    )
    if len(seeds) > 1:
        return over_seeds(values)
    (seed,) = seeds
    parts = [
        (weight, courses[variant][seed].variance_of_log(quantity))
        for variant, weight in weights.items()
    ]
    fixed = tuple(Source(weight**2 * part.variance, part.df) for weight, part in parts)
    test = "Welch, over epochs" if quantity == "epoch_seconds" else "validation images resampled"
    return Effect(float(values[0]), fixed, None, 1, test)


def over_seeds(values: np.ndarray) -> Effect:
    """The mean of `values` (seeds,), which are logarithms of ratios."""
    error = Source(float(values.var(ddof=1)) / len(values), len(values) - 1)
    return Effect(float(values.mean()), (), error, len(values), "Student's t over seeds")


def over_rounds(values: np.ndarray, seeds: int) -> Effect:
    """The mean of `values` (rounds,), logarithms of ratios within a round; seeds add no error."""
    error = Source(float(values.var(ddof=1)) / len(values), len(values) - 1)
    return Effect(float(values.mean()), (error,), Source(0), seeds, "Student's t over rounds")
