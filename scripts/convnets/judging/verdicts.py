"""From p-values to verdicts. The one place that states the rule for claims.

A comparison has two one-sided p-values. `support` is small when the effect lies inside the region
that the claim names; with two bounds this is the test of equivalence (TOST). `refute` is small when
the effect lies outside. A *unit* is one or more comparisons that must all be inside. A *part* of a
claim says that at least k of its n units are true; most parts say all. Its p-values are those of
partial conjunctions (Benjamini and Heller 2008):

    support   (n - k + 1) times the k-th smallest of the units' `support`
    refute    k times the (n - k + 1)-th smallest of the units' `refute`

For k = n the first is the largest p-value (intersection-union, no correction), the second that of
Bonferroni and Holm. A claim is the conjunction of its parts. It *holds* when `support`, and *fails*
when `refute`, is below 5 % after Holm's correction over the claims; else it is *undecided*, and
leans to the side of the smaller p-value. Only one of the two can be an error, because a claim is
either true or false, so the smaller one enters Holm's correction undoubled.

Every p-value can be an array, one for each of many simulated sweeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convnets.judging.estimates import ALPHA, Estimates

HOLDS, FAILS, UNDECIDED, NOT_RUN = "holds", "fails", "undecided", "not run"
ON_THESE_NETWORKS = "on these networks"
P = Any
"""A p-value, or an array of them."""


@dataclass(frozen=True)
class Evidence:
    """One-sided p-values for and against something that may be true."""

    support: P
    refute: P

    @property
    def p(self) -> P:
        """The smaller of the two."""
        return np.minimum(self.support, self.refute)

    @property
    def lean(self) -> str:
        """The side that the data favour: `for`, `against` or, if neither, empty."""
        if self.support == self.refute:
            return ""
        return "for" if self.support < self.refute else "against"

    def verdict(self, factor: float = 1) -> str:
        """The verdict with p-values that are multiplied by `factor`."""
        if self.p * factor >= ALPHA:
            return UNDECIDED
        return HOLDS if self.support < self.refute else FAILS


def weigh(effects: Estimates, low: np.ndarray, high: np.ndarray) -> list[Evidence]:
    """The evidence of each effect on lying between `low` and `high`; none for unknown effects."""
    support = np.maximum(effects.p_above(low), effects.p_below(high))
    refute = np.minimum(effects.p_below(low), effects.p_above(high))
    known = effects.known
    pairs = zip(np.where(known, support, 1).T, np.where(known, refute, 1).T, strict=True)
    return [Evidence(inside, outside) for inside, outside in pairs]


def every(units: Sequence[Evidence]) -> Evidence:
    """Evidence on all of `units` being true."""
    return at_least(len(units), units)


def at_least(number: int, units: Sequence[Evidence]) -> Evidence:
    """Evidence on at least `number` of `units` being true."""
    support, refute = (
        np.sort(np.broadcast_arrays(*(getattr(unit, side) for unit in units)), axis=0)
        for side in ("support", "refute")
    )
    spare = len(units) - number
    return Evidence(
        np.minimum((spare + 1) * support[number - 1], 1.0), np.minimum(number * refute[spare], 1.0)
    )


def holm(p: np.ndarray) -> np.ndarray:
    """P-values after Holm's correction along the first axis.

    Written out, because that of statsmodels collects garbage at every call (0.2 s in a large
    program).
    """
    order = np.argsort(p, axis=0)
    corrected = np.empty(p.shape)
    factors = np.arange(len(p), 0, -1).reshape(-1, *[1] * (p.ndim - 1))
    stepped = np.maximum.accumulate(np.take_along_axis(p, order, 0) * factors)
    np.put_along_axis(corrected, order, np.minimum(stepped, 1), 0)
    return corrected


def correction(claims: Sequence[Evidence]) -> Any:
    """The factor by which Holm's correction over `claims` multiplies each p-value.

    Holm's procedure decides exactly the claims whose p-value is below 5 % after multiplication by
    the number of claims that it leaves open.
    """
    corrected = holm(np.array(np.broadcast_arrays(*(claim.p for claim in claims))))
    return np.maximum((corrected >= ALPHA).sum(axis=0), 1)
