"""What the paper's own numbers say about its claims.

The paper trained each network once and published accuracies of 15,800 test images, rounded. How
strongly the errors of two networks go together on the same images is not known, so the interval
of a difference supposes that they do not: it is as wide as it can be, and rounding is
added. Epochs and runtimes of single runs have no known error at all: numbers can agree with a
claim, no more.
"""

import math
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from convnets.conditions import PAPER_IMAGES
from convnets.judging.claims import ACCURACY, Comparison
from convnets.judging.effect import ALPHA
from convnets.judging.verdict import FAILS, HOLDS, UNDECIDABLE

HALF_DIGIT = {ACCURACY: 0.0005}
"""Half a unit of the last published digit; other quantities are published as integers."""
AGREE, DISAGREE, SILENT = "numbers agree", "numbers disagree", "no numbers"


@dataclass(frozen=True)
class PaperSays:
    """An effect computed from published numbers, with the interval that can be given to it."""

    verdict: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    correlation: float = math.nan
    """Least correlation of two networks' errors at which their gap would be more than noise."""


def paper_says(published: pd.DataFrame, comparison: Comparison) -> PaperSays:
    """The paper on one comparison; values of ratios are logarithms."""
    quantity, weights = comparison.part.quantity, comparison.weights
    numbers = published[published["metric"] == quantity].drop_duplicates("variant")
    known = dict(zip(numbers["variant"], numbers["value"], strict=True))
    if not weights.keys() <= known.keys():
        return PaperSays(SILENT)
    if quantity == ACCURACY:
        return _accuracies(known, comparison)
    value = sum(weight * math.log(known[variant]) for variant, weight in weights.items())
    low, high = (
        sum(
            weight * math.log(known[variant] + side * 0.5 * math.copysign(1, weight))
            for variant, weight in weights.items()
        )
        for side in (-1, 1)
    )
    inside = comparison.region.low <= high and low <= comparison.region.high
    return PaperSays(AGREE if inside else DISAGREE, value, low, high)


def _accuracies(known: dict[str, float], comparison: Comparison) -> PaperSays:
    weights, region = comparison.weights, comparison.region
    value = sum(weight * known[variant] for variant, weight in weights.items())
    rounding = sum(abs(weight) * HALF_DIGIT[ACCURACY] for weight in weights.values())
    errors = {
        variant: weight**2 * known[variant] * (1 - known[variant]) / PAPER_IMAGES["test"]
        for variant, weight in weights.items()
    }
    z = float(stats.norm.isf(ALPHA / 2))
    reach = z * math.sqrt(sum(errors.values())) + rounding
    low, high = value - reach, value + reach
    if low > region.low and high < region.high:
        verdict = HOLDS
    elif high < region.low or low > region.high:
        verdict = FAILS
    else:
        verdict = UNDECIDABLE
    correlation = math.nan
    if len(errors) == 2:
        first, second = errors.values()
        largest = (max(region.distance(value) - rounding, 0) / z) ** 2
        correlation = max((first + second - largest) / (2 * math.sqrt(first * second)), 0)
    return PaperSays(verdict, value, low, high, correlation)
