"""An effect as it was estimated: its size, its errors, and how sure its side of a bound is.

The errors of an effect come from several sources, each with a variance that was estimated with
some degrees of freedom: the spread between seeds (few), that between test images (thousands).
For a confidence `1 - a` the margin of the sum is

    margin² = Σ t(1 - a/2, df)² · variance

over the sources (Banerjee 1961, Sankhya 23). The share of false positives is at most `a`,
whatever the true variances are, because the distribution function of Z² is concave; it is `a`
when one source outweighs the others. With one source this is Student's t, with infinite degrees
of freedom the normal distribution.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scipy import optimize, special

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
SMALLEST_P = 1e-100


@dataclass(frozen=True)
class Source:
    """One source of error of an estimate: the variance that it adds, and how well it is known."""

    variance: float
    df: float = math.inf


@dataclass(frozen=True)
class Effect:
    """A difference, a slope or the logarithm of a ratio."""

    value: float
    fixed: tuple[Source, ...]
    """Errors from the images or epochs that happened to be there: more seeds do not reduce them."""
    over_seeds: Source | None
    """Error of the mean over seeds; None with one seed."""
    seeds: int
    test: str
    """Name of the test against a bound."""

    @property
    def sources(self) -> list[Source]:
        """All sources of error."""
        return [*self.fixed, *([self.over_seeds] if self.over_seeds else [])]

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        reach = margin(self.sources, ALPHA / 2)
        return self.value - reach, self.value + reach

    def test_against(self, bound: float) -> str:
        """Name of the test of whether the effect is above or below `bound`."""
        return self.test

    def p_above(self, bound: float) -> float:
        """One-sided p-value of "the effect is larger than `bound`": small when it is."""
        return _tail(self.value - bound, self.sources)

    def p_below(self, bound: float) -> float:
        """One-sided p-value of "the effect is smaller than `bound`": small when it is."""
        return _tail(bound - self.value, self.sources)

    def over_other_seeds(self, spread: Source, weights: Iterable[float]) -> "Effect":
        """The effect of one seed with the error that other seeds add.

        `spread` is the variance between the seeds of one variant, learnt from other variants.
        """
        variance = spread.variance * sum(weight**2 for weight in weights)
        return Effect(
            self.value,
            fixed=self.fixed,
            over_seeds=Source(variance, spread.df),
            seeds=1,
            test=f"{self.test}; seeds as in other variants",
        )

    def with_seeds(self, number: int) -> "Effect":
        """The same effect as `number` seeds would show it if its errors stayed as they are."""
        assert self.over_seeds
        variance = self.over_seeds.variance * self.seeds / number
        return replace(self, seeds=number, over_seeds=Source(variance, number - 1))


def margin(sources: Sequence[Source], tail: float) -> float:
    """How far the interval reaches to a side, where it misses with probability `tail`."""
    return math.sqrt(sum(special.stdtrit(s.df, tail) ** 2 * s.variance for s in sources))


def _tail(distance: float, sources: Sequence[Source]) -> float:
    """The probability `tail` whose margin is `distance`; without any spread nothing is known."""
    if distance < 0:
        return 1 - _tail(-distance, sources)
    if distance == 0 or not any(source.variance > 0 for source in sources):
        return 0.5

    def excess(logarithm: float) -> float:
        return margin(sources, math.exp(logarithm)) - distance

    if excess(math.log(SMALLEST_P)) <= 0:
        return SMALLEST_P
    return math.exp(optimize.brentq(excess, math.log(SMALLEST_P), math.log(0.5)))
