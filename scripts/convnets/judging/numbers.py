"""One published number against ours: intervals of ours and of the difference, and the verdict.

The interval of the difference contains the paper's own error: its number is one more run, with the
spread of one seed, the error of its test images and rounding. Rules, for the 95 % interval:

- *reproduced*: all of it is inside the margin;
- *differs*: it excludes zero, after Holm's correction over all numbers that are distinct;
- *compatible*: neither.

Best epochs and runtimes are compared through logarithms, runtimes as multiples of an epoch of a
reference variant: seconds say more about the machine.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from convnets.judging.conditions import PAPER_IMAGES
from convnets.judging.estimates import ACCURACY, ALPHA, Spread, estimate, learn_spread
from convnets.judging.verdicts import holm
from convnets.runs.metrics import RUNTIMES, median_interval, rounds_of, runtimes_measured

REFERENCE = "no_pooling"
"""The variant whose epoch is the unit of all runtimes, ours and the paper's."""
MARGIN = {
    ACCURACY: 0.015,
    "best_epoch": math.log(2),
    "epoch_seconds": math.log(1.5),
    "seconds_to_best": math.log(2),
}
"""Largest difference that counts as the same: 1.5 points of accuracy, a factor of 2 in best epochs
and runtimes until then, a factor of 1.5 in the runtime of an epoch. Chosen by this project."""
REPRODUCED, COMPATIBLE, DIFFERS = "reproduced", "compatible", "differs"


@dataclass(frozen=True)
class Gaps:
    """Differences from published numbers, all of one quantity; logarithms unless accuracies."""

    value: np.ndarray
    error: np.ndarray
    """Standard error, the paper's own error included."""
    df: np.ndarray
    rounding: np.ndarray
    """Largest error of the published number from rounding."""
    margin: float

    @property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The 95 % interval."""
        reach = special.stdtrit(self.df, 1 - ALPHA / 2) * self.error + self.rounding
        return self.value - reach, self.value + reach

    @property
    def p(self) -> np.ndarray:
        """Two-sided p-value of "there is no difference"."""
        distance = np.maximum(np.abs(self.value) - self.rounding, 0)
        return np.asarray(2 * special.stdtr(self.df, -distance / self.error))

    @property
    def reproduced(self) -> np.ndarray:
        """Whether all of the interval is inside the margin."""
        low, high = self.interval
        return np.asarray((low > -self.margin) & (high < self.margin))


def gaps_to_paper(
    quantity: str,
    values: np.ndarray,
    paper: np.ndarray,
    unit: float,
    images: int,
    one_run: float = 0.0,
) -> Gaps:
    """The gaps between our means and the paper's single runs, one for each variant.

    `values` (variants, seeds) are accuracies or logarithms, of runtimes over an epoch of the
    reference; `paper` has the published numbers, `unit` the published epoch of the reference, and
    `images` is the number of our test images. The paper's run has the variance of one of ours, and
    `one_run` at least.
    """
    ours = estimate(values, np.eye(len(paper)), learn_spread(values, quantity))
    of_seeds = ours.of_seeds + np.maximum(ours.of_seeds * ours.seeds, one_run)
    rounding, of_images = np.zeros(len(paper)), np.zeros(len(paper))
    if quantity == ACCURACY:
        rounding += 0.0005
        of_images = ours.value * (1 - ours.value) / images
        of_images += paper * (1 - paper) / PAPER_IMAGES["test"]
    elif quantity in RUNTIMES:
        sides = [(paper + side) / (unit - side) * unit / paper for side in (-0.5, 0.5)]
        rounding = np.abs(np.log(sides)).max(axis=0)
    target = paper if quantity == ACCURACY else np.log(paper / unit)
    df = ours.df * (1 + of_images / of_seeds) ** 2
    return Gaps(ours.value - target, np.sqrt(of_seeds + of_images), df, rounding, MARGIN[quantity])


def verdicts(p: np.ndarray, reproduced: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The verdict on each of a family of numbers, and its p-value after Holm's correction."""
    corrected = holm(p)
    words = [
        REPRODUCED if same else DIFFERS if value < ALPHA else COMPATIBLE
        for same, value in zip(reproduced, corrected, strict=True)
    ]
    return words, corrected


def own_interval(quantity: str, runs: pd.DataFrame, spread: Spread) -> tuple[float, float]:
    """The 95 % interval of the mean of a quantity over the `runs` of a variant, in its own unit.

    It is over seeds and, for an accuracy, test images; one seed has the spread of other variants.
    Runtimes of an epoch that were measured side by side have the interval of the rounds' median.
    """
    if quantity == "epoch_seconds" and runtimes_measured(runs):
        return median_interval(rounds_of(runs, runs.index[0][0]))
    numbers = runs[quantity].to_numpy(float)
    if quantity != ACCURACY:
        numbers = np.log(numbers)
    mean, images = numbers.mean(), int(runs["test_images"].iloc[0])
    of_images = np.array([[mean * (1 - mean) / images]]) if quantity == ACCURACY else None
    low, high = estimate(numbers[None], np.ones((1, 1)), spread, of_images).interval
    if quantity == ACCURACY:
        return max(float(low[0]), 0.0), min(float(high[0]), 1.0)
    return math.exp(low[0]), math.exp(high[0])


def rank_correlation(paper: np.ndarray, ours: np.ndarray) -> tuple[float, float, float]:
    """Spearman's rank correlation with its 95 % interval (Bonett and Wright 2000)."""
    value = float(np.corrcoef(pd.Series(paper).rank(), pd.Series(ours).rank())[0, 1])
    error = math.sqrt((1 + value**2 / 2) / (len(paper) - 3)) if len(paper) > 3 else math.inf
    middle, reach = math.atanh(min(max(value, -0.999), 0.999)), special.ndtri(1 - ALPHA / 2) * error
    return value, math.tanh(middle - reach), math.tanh(middle + reach)
