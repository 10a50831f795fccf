"""From an effect and what is claimed of it to a verdict. The one place that states the rule.

A claim says that an effect lies in a region, such as "above 0" or "between -0.5 and 0.5 points".
It *holds* when the data show the effect inside the region, it *does not hold* when they show it
outside, and else it is *undecidable* at this precision: a difference inside the noise refutes
nothing. Two one-sided tests of the nearer bound give a p-value each, for the claim and against
it; for a region with two bounds the first is the test of equivalence (TOST). Twice the smaller is
the p-value of the verdict, and Holm's correction over all comparisons of all claims keeps the
probability of even one wrong decision at 5 %. Without that correction the rule reads: holds
when the 95 % interval lies inside the region, does not hold when it lies outside.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from statsmodels.stats.multitest import multipletests

from convnets.judging.effect import ALPHA, Effect

HOLDS, FAILS, UNDECIDABLE, NOT_RUN = "holds", "does not hold", "undecidable", "not run"


@dataclass(frozen=True)
class Region:
    """Where an effect is claimed to lie; an open end is infinite."""

    low: float = -math.inf
    high: float = math.inf

    def distance(self, value: float) -> float:
        """How far `value` is from the nearest bound."""
        return abs(value - self.nearest(value))

    def nearest(self, value: float) -> float:
        """The bound nearest to `value`."""
        return min(self.low, self.high, key=lambda bound: abs(value - bound))


@dataclass(frozen=True)
class Evidence:
    """How strongly an effect speaks for and against its region: one-sided p-values."""

    for_claim: float
    against_claim: float

    @property
    def p(self) -> float:
        """P-value of the verdict, whichever it is."""
        return min(1, 2 * min(self.for_claim, self.against_claim))

    def verdict(self, p_adjusted: float) -> str:
        """The verdict with a p-value that is corrected for the other comparisons."""
        if p_adjusted >= ALPHA:
            return UNDECIDABLE
        return HOLDS if self.for_claim < self.against_claim else FAILS


def weigh(effect: Effect, region: Region) -> Evidence:
    """The evidence of `effect` on the claim that it lies in `region`."""
    inside, outside = [], []
    if math.isfinite(region.low):
        inside.append(effect.p_above(region.low))
        outside.append(effect.p_below(region.low))
    if math.isfinite(region.high):
        inside.append(effect.p_below(region.high))
        outside.append(effect.p_above(region.high))
    return Evidence(for_claim=max(inside), against_claim=min(outside))


def judge(evidence: Sequence[Evidence]) -> list[tuple[str, float]]:
    """Verdict and Holm's p-value of each of a family of comparisons."""
    if not evidence:
        return []
    adjusted = multipletests([item.p for item in evidence], method="holm")[1]
    return [(item.verdict(p), float(p)) for item, p in zip(evidence, adjusted, strict=True)]


def combine(verdicts: Sequence[str]) -> str:
    """The verdict on a claim from those on its parts: it holds when all of them hold."""
    if all(verdict == NOT_RUN for verdict in verdicts):
        return NOT_RUN
    if FAILS in verdicts:
        return FAILS
    return HOLDS if all(verdict == HOLDS for verdict in verdicts) else UNDECIDABLE
