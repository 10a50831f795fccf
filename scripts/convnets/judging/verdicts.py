"""From p-values to verdicts on claims, for our runs, other people's and the paper's own numbers.

A comparison has two one-sided p-values, `support` and `refute`. A *unit* is one or more comparisons
that must all be inside their regions; a *part* says that at least k of its n units are true, most
parts say all. docs/judging.md explains how p-values become those of parts and claims.

Every p-value can be an array, one for each of many simulated sweeps.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import special

from convnets.judging.claims import Claim, ClaimPart, Comparison, Family
from convnets.judging.estimates import ALPHA, QUANTITIES, Estimates

HOLDS, FAILS, UNDECIDED, NOT_RUN = "holds", "fails", "undecided", "not run"
ON_THESE_NETWORKS = "on these networks"
P = Any
"""A p-value, or an array of them."""
Witness = Callable[[str, np.ndarray], Estimates]
"""The effects that weights (effects, variants of the family) make of a quantity, by some runs."""


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


UNKNOWN = Evidence(1.0, 1.0)


def weigh(effects: Estimates, low: np.ndarray, high: np.ndarray) -> list[Evidence]:
    """The evidence of each effect on being between `low` and `high`, from one-sided t-tests."""
    above, below = ((effects.value - bound) / effects.error for bound in (low, high))
    support = special.stdtr(effects.total_df, np.maximum(-above, below))
    refute = special.stdtr(effects.total_df, np.minimum(above, -below))
    return list(map(Evidence, support.T, refute.T))


def every(units: Sequence[Evidence]) -> Evidence:
    """Evidence on all of `units` being true."""
    return at_least(len(units), units)


def at_least(number: int, units: Sequence[Evidence]) -> Evidence:
    """Evidence on at least `number` of `units` being true."""
    if len(units) == 1:
        return units[0]
    spare = len(units) - number
    support = np.sort(np.broadcast_arrays(*(unit.support for unit in units)), axis=0)
    refute = np.sort(np.broadcast_arrays(*(unit.refute for unit in units)), axis=0)
    support, refute = (spare + 1) * support[number - 1], number * refute[spare]
    return Evidence(np.minimum(support, 1.0), np.minimum(refute, 1.0))


def holm(p: np.ndarray) -> np.ndarray:
    """P-values after Holm's correction along the first axis.

    Written out, because that of statsmodels collects garbage at every call (0.2 s in a large
    program).
    """
    order = np.argsort(p, axis=0)
    factors = np.arange(len(p), 0, -1).reshape(-1, *[1] * (p.ndim - 1))
    stepped = np.maximum.accumulate(np.take_along_axis(p, order, 0) * factors)
    return np.take_along_axis(np.minimum(stepped, 1), np.argsort(order, axis=0), 0)


def correction(claims: Sequence[Evidence]) -> Any:
    """The factor by which Holm's correction over `claims` multiplies each p-value.

    Holm's procedure decides exactly the claims whose p-value is below 5 % after multiplication by
    the number of claims that it leaves open.
    """
    corrected = holm(np.array(np.broadcast_arrays(*(claim.p for claim in claims))))
    return np.maximum((corrected >= ALPHA).sum(axis=0), 1)


@dataclass(frozen=True)
class Finding:
    """The result for one comparison."""

    evidence: Evidence
    effects: Estimates
    index: int
    """Its place in `effects`."""


@dataclass(frozen=True)
class Judgement:
    """The results of one witness for all claims."""

    findings: dict[Comparison, Finding]
    """Only of comparisons that could be tested."""
    claims: dict[int, Evidence]
    """By id; only claims with a tested comparison."""
    factor: Any = 1
    """Holm's correction over the claims."""

    def verdict(self, claim: Claim) -> str:
        """The verdict on a claim, corrected."""
        return self.claims[claim.id].verdict(self.factor) if claim.id in self.claims else NOT_RUN

    def part_verdict(self, claim: Claim, comparison: Comparison) -> tuple[str, float]:
        """The verdict on a comparison of a claim, and its p-value after all corrections."""
        found = self.findings[comparison].evidence
        corrected = Evidence(found.support, min(found.refute * len(claim.conditions), 1.0))
        return corrected.verdict(self.factor), min(corrected.p * self.factor, 1.0)

    def seeds_to_decide(self, claim: Claim, comparison: Comparison) -> int | None:
        """Seeds that would decide a comparison in the direction of its effect."""
        finding = self.findings[comparison]
        effect = float(finding.effects.value[finding.index])
        distance = min(effect - comparison.low, comparison.high - effect)
        level = ALPHA / self.factor / (1 if distance > 0 else len(claim.conditions))
        return finding.effects.seeds_to_decide(finding.index, abs(distance), level)


def judge(
    family: Family,
    witness: Witness,
    never_refuted: Collection[str] = (),
    known: Mapping[Comparison, Finding] = MappingProxyType({}),
) -> Judgement:
    """Judge all claims; comparisons that are `known` already are not tested again.

    Quantities in `never_refuted` (runtimes on another kind of machine) can support a claim, but
    cannot refute one.
    """
    findings = dict(known)
    for quantity in QUANTITIES:
        tested = [c for c in family.weights if c.quantity == quantity and c not in known]
        if not tested:
            continue
        low, high = (np.array([getattr(item, end) for item in tested]) for end in ("low", "high"))
        effects = witness(quantity, np.array([family.weights[item] for item in tested]))
        for index, (item, found) in enumerate(zip(tested, weigh(effects, low, high), strict=True)):
            if np.isfinite(effects.value[..., index]).all():
                refute = np.maximum(found.refute, quantity in never_refuted)
                findings[item] = Finding(Evidence(found.support, refute), effects, index)
    return combine(family, findings)


def combine(family: Family, findings: dict[Comparison, Finding]) -> Judgement:
    """Verdicts on the claims; an untested comparison supports nothing and refutes nothing."""
    claims = {}
    for claim in family.claims:
        known = {item: findings[item].evidence for item in claim.comparisons if item in findings}
        if known:
            conditions = [
                at_least(number, [every([known.get(c, UNKNOWN) for c in unit]) for unit in units])
                for number, units in claim.conditions
            ]
            claims[claim.id] = every(conditions)
    return Judgement(findings, claims, correction(list(claims.values())))


def both(family: Family, first: Judgement, second: Judgement) -> Judgement:
    """Two independent witnesses together: Stouffer's sum of the p-values of each comparison."""

    def together(*p: P) -> P:
        clipped = np.clip(p, 1e-300, 1 - 1e-16)
        return special.ndtr(special.ndtri(clipped).sum() / np.sqrt(2))

    findings = first.findings | second.findings
    for item in first.findings.keys() & second.findings.keys():
        one, other = first.findings[item].evidence, second.findings[item].evidence
        sides = (together(one.support, other.support), together(one.refute, other.refute))
        findings[item] = replace(findings[item], evidence=Evidence(*sides))
    return combine(family, findings)


def computed_verdict(part: ClaimPart, measure: Mapping[str, Any]) -> str:
    """The verdict on a part that follows from the architecture, or from timing two ways."""
    low, high = measure["low"], measure["high"]
    if part.equals is not None:
        return HOLDS if low == high == part.equals else FAILS
    if low > part.above and high < part.below:
        return HOLDS
    return FAILS if high <= part.above or low >= part.below else UNDECIDED
