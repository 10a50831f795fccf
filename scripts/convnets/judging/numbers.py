"""One published number against ours: intervals of ours, and of the difference.

The interval of the difference counts the error of the paper's number too. The paper trained once,
so its number is compared with what one more run like ours would give (a prediction interval),
and its accuracy has the binomial error of its own test images; rounding is added. Where ours is a
single run too, the spread between seeds is that of the variants with several, or an assumed one
(`convnets.judging.spread`). Best epochs are compared through logarithms, and so are runtimes:
taken on other hardware, they are multiples of an epoch of a reference variant.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from convnets.conditions import PAPER_IMAGES
from convnets.judging.effect import ALPHA, CONFIDENCE, Source, margin
from convnets.judging.runtime import Course
from convnets.judging.spread import ASSUMED
from convnets.metrics import RUNTIMES
from convnets.rounds import median_interval

REFERENCE = "no_pooling"
"""The variant whose epoch is the unit of all runtimes, ours and the paper's."""
Courses = Mapping[int, Course]
"""The trainings of a variant by seed."""


@dataclass(frozen=True)
class Gap:
    """Ours minus the paper's (of all but accuracies: the logarithm of ours over the paper's)."""

    value: float
    reach: float
    """Half of the 95 % interval, without rounding."""
    rounding: float
    """How far the published digits may be from what they stand for."""

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        reach = self.reach + self.rounding
        return self.value - reach, self.value + reach


def own_interval(
    metric: str, values: pd.Series, images: int, courses: Courses
) -> tuple[float, float]:
    """The 95 % interval of the mean of `values`, one for each seed, in their own unit.

    Several seeds: over seeds, and for an accuracy over test images. One seed: over test images
    (Wilson), the run's epochs (epoch runtime), or validation images (best epoch and the runtime
    until then). An epoch runtime measured side by side: over the rounds, whatever the seeds;
    the runtime until the best epoch is then the product of both intervals.
    """
    mean = float(values.mean())
    if metric in RUNTIMES and len(rounds := next(iter(courses.values())).rounds):
        epochs, seconds_an_epoch = (1.0, 1.0), median_interval(rounds)
        if metric == "seconds_to_best":
            epochs = own_interval("best_epoch", values / np.median(rounds), images, courses)
        return epochs[0] * seconds_an_epoch[0], epochs[1] * seconds_an_epoch[1]
    if len(values) > 1:
        sources = [_over_seeds(values)]
        if metric == "test_accuracy":
            sources.append(_over_images(mean, images))
        reach = margin(sources, ALPHA / 2)
        return max(mean - reach, 0.0), mean + reach  # nothing here can be negative
    if metric == "test_accuracy":
        test = stats.binomtest(round(mean * images), images)
        bounds = test.proportion_ci(CONFIDENCE, method="wilson")
        return float(bounds.low), float(bounds.high)
    (course,) = courses.values()
    if metric == "epoch_seconds":
        seconds = course.epoch_seconds
        if len(seconds) == 1:
            return math.nan, math.nan
        variance = float(seconds.var(ddof=1)) / len(seconds)
        reach = margin([Source(variance, len(seconds) - 1)], ALPHA / 2)
        return max(mean - reach, 0.0), mean + reach
    low, high = np.quantile(course.resampled(metric), [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def accuracy_gap(values: np.ndarray, images: int, paper: float, spread: Source) -> Gap:
    """Of test accuracies. `spread` is the variance between seeds where there is one."""
    mean = float(values.mean())
    sources = [
        _over_images(mean, images),
        _over_images(paper, PAPER_IMAGES["test"]),
        _one_more(values, spread),
    ]
    return Gap(mean - paper, margin(sources, ALPHA / 2), 0.0005)


def epoch_gap(values: np.ndarray, paper: float, spread: Source) -> Gap:
    """Of best epochs, as the logarithm of ours over the paper's."""
    logarithms = np.log(values)
    reach = margin([_one_more(logarithms, spread)], ALPHA / 2)
    return Gap(float(logarithms.mean()) - math.log(paper), reach, 0.0)


def runtime_gap(
    metric: str, courses: Courses, reference: Courses, paper: float, unit: float, spread: Source
) -> Gap:
    """Of runtimes, as multiples of an epoch of the reference variant with the same seed.

    `paper` and `unit` are the published seconds of the variant and of the reference's epoch;
    `spread` is the variance of the logarithm of one runtime. Runtimes measured side by side have
    the error of the rounds, and a spread is assumed for the paper's, which were not.
    """
    seeds = sorted(courses.keys() & reference.keys())
    rounds, unit_rounds = courses[seeds[0]].rounds, reference[seeds[0]].rounds
    if len(rounds) and len(unit_rounds):
        ratios = pd.Series(np.log(rounds / unit_rounds))
        logarithms = np.array([ratios.mean()])
        sources = [_over_seeds(ratios), Source(2 * ASSUMED["epoch_seconds"] ** 2)]
        if metric == "seconds_to_best":
            epochs = np.log([courses[seed].measure("best_epoch") for seed in seeds])
            logarithms = logarithms + epochs
            sources.append(_one_more(epochs, spread))
    else:
        logarithms = np.array(
            [
                math.log(courses[seed].measure(metric) / reference[seed].measure("epoch_seconds"))
                for seed in seeds
            ]
        )
        sources = [_one_more(logarithms, Source(2 * spread.variance, spread.df))]
    reach = margin(sources, ALPHA / 2)
    rounding = max(
        abs(math.log((paper + side * 0.5) / (unit - side * 0.5) * unit / paper)) for side in (-1, 1)
    )
    return Gap(float(logarithms.mean()) - math.log(paper / unit), reach, rounding)


def _over_seeds(values: pd.Series) -> Source:
    return Source(float(values.var(ddof=1)) / len(values), len(values) - 1)


def _one_more(values: np.ndarray, spread: Source) -> Source:
    """Error of the mean of `values` and of one more run; of one value, as `spread` has it."""
    known = Source(float(values.var(ddof=1)), len(values) - 1) if len(values) > 1 else spread
    return Source(known.variance * (1 + 1 / len(values)), known.df)


def _over_images(accuracy: float, images: int) -> Source:
    return Source(accuracy * (1 - accuracy) / images)
