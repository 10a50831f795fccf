"""The judge of claims: the same for our runs, other people's runs and the paper's own numbers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy import special

from convnets.judging.claims import Claim, Comparison, Family, Part
from convnets.judging.estimates import ALPHA, Estimates
from convnets.judging.verdicts import (
    FAILS,
    HOLDS,
    NOT_RUN,
    UNDECIDED,
    Evidence,
    at_least,
    correction,
    every,
    weigh,
)

UNKNOWN = Evidence(1.0, 1.0)


class Witness(Protocol):
    """Runs that can be asked about the claims."""

    def estimates(self, quantity: str, weights: np.ndarray) -> Estimates:
        """The effects that `weights` (effects, variants of the family) make of a quantity."""


@dataclass(frozen=True)
class Finding:
    """The result for one comparison."""

    evidence: Evidence
    effects: Estimates
    index: int
    """Its place in `effects`."""

    @property
    def value(self) -> float:
        """The effect."""
        return float(self.effects.value[self.index])


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
        corrected = Evidence(found.support, min(found.refute * claim.refutations, 1.0))
        return corrected.verdict(self.factor), min(corrected.p * self.factor, 1.0)

    def seeds_to_decide(self, claim: Claim, comparison: Comparison) -> int | None:
        """Seeds that would decide a comparison in the direction of its effect."""
        finding = self.findings[comparison]
        distance = min(finding.value - comparison.low, comparison.high - finding.value)
        level = ALPHA / self.factor / (1 if distance > 0 else claim.refutations)
        return finding.effects.seeds_to_decide(finding.index, abs(distance), level)


def judge(family: Family, witness: Witness, never_refuted: Collection[str] = ()) -> Judgement:
    """Judge all claims.

    Quantities in `never_refuted` (runtimes on another kind of machine) can support a claim, but
    cannot refute one.
    """
    return combine(family, findings_of(family, witness, never_refuted))


def findings_of(
    family: Family, witness: Witness, never_refuted: Collection[str] = ()
) -> dict[Comparison, Finding]:
    """The results for all comparisons that the witness knows."""
    findings: dict[Comparison, Finding] = {}
    for quantity, comparisons in family.comparisons.items():
        effects = witness.estimates(quantity, family.weights[quantity])
        low, high = (np.array([getattr(c, end) for c in comparisons]) for end in ("low", "high"))
        for index, evidence in enumerate(weigh(effects, low, high)):
            if effects.known[..., index].all():
                refute = np.maximum(evidence.refute, quantity in never_refuted)
                counted = Evidence(evidence.support, refute)
                findings[comparisons[index]] = Finding(counted, effects, index)
    return findings


def combine(family: Family, findings: dict[Comparison, Finding]) -> Judgement:
    """Verdicts on the claims from the evidence on their comparisons."""
    claims = {}
    for claim in family.claims:
        if any(comparison in findings for _, comparison in claim.comparisons()):
            claims[claim.id] = _evidence(claim, findings)
    return Judgement(findings, claims, correction(list(claims.values())))


def both(family: Family, first: Judgement, second: Judgement) -> Judgement:
    """Two independent witnesses together: Stouffer's sum of the p-values of each comparison."""
    findings = dict(first.findings)
    for comparison, other in second.findings.items():
        mine = findings.get(comparison)
        evidence = _stouffer(mine.evidence, other.evidence) if mine else other.evidence
        findings[comparison] = Finding(evidence, other.effects, other.index)
    return combine(family, findings)


def computed_verdict(part: Part, measure: Mapping[str, Any]) -> str:
    """The verdict on a part that follows from the architecture, or from timing two ways."""
    low, high = measure["low"], measure["high"]
    if part.equals is not None:
        return HOLDS if low == high == part.equals else FAILS
    if low > part.above and high < part.below:
        return HOLDS
    return FAILS if high <= part.above or low >= part.below else UNDECIDED


def _evidence(claim: Claim, findings: Mapping[Comparison, Finding]) -> Evidence:
    """Evidence on a claim; whatever was not tested supports nothing and refutes nothing."""

    def of(comparison: Comparison) -> Evidence:
        return findings[comparison].evidence if comparison in findings else UNKNOWN

    counted = [
        at_least(part.number, [every(list(map(of, unit))) for unit in part.units])
        for part in claim.counting
    ]
    return every([*counted, *map(of, claim.required)])


def _stouffer(first: Evidence, second: Evidence) -> Evidence:
    def together(*p: float) -> float:
        clipped = np.clip(p, 1e-300, 1 - 1e-16)
        return float(special.ndtr(special.ndtri(clipped).sum() / np.sqrt(2)))

    return Evidence(together(first.support, second.support), together(first.refute, second.refute))
