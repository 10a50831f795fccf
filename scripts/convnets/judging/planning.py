"""Planning: the further runs that decide most claims per hour, by simulation (docs/judging.md).

The *chance* of a claim is the share of simulated sweeps in which it is decided. A greedy search
adds groups of runs: the same number of seeds for a variant, for all variants of a comparison, or
for all variants of a claim's open comparisons.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from convnets.judging import estimates
from convnets.judging.claims import Claim, Comparison, Family
from convnets.judging.estimates import ACCURACY, ALPHA, OF_BEST, POWER, QUANTITIES, Estimates
from convnets.judging.verdicts import Finding, Judgement, Witness, judge
from convnets.judging.witnesses import OWN_IMAGES, SeedSample

SIZES = (1, 2, 4, 8)
"""Seeds that a group adds to each of its variants."""
LEAST_GAIN = 0.02
"""Smallest increase of the expected number of decided claims that justifies a group of runs."""


@dataclass(frozen=True)
class Outcome:
    """The judge's decisions in all simulated sweeps."""

    added: np.ndarray
    """Further seeds of each variant."""
    judgement: Judgement

    def chance(self, claim: int) -> float:
        """Share of the simulated sweeps in which a claim is decided."""
        found = self.judgement.claims.get(claim)
        return 0.0 if found is None else float(np.mean(found.p * self.judgement.factor < ALPHA))

    @property
    def decided(self) -> float:
        """Expected number of decided claims."""
        return sum(map(self.chance, self.judgement.claims))


@dataclass(frozen=True)
class Planner:
    """Decisions that further runs make possible."""

    family: Family
    ours: SeedSample
    means: Mapping[str, np.ndarray]
    """Expected values, see `expected_values`."""
    hours: np.ndarray
    """Expected hours of a run of each variant."""
    measured: bool = False
    """Whether epochs were timed side by side."""
    never_refuted: Collection[str] = ()
    draws: int = 100
    """Number of simulated sweeps."""

    @cached_property
    def now(self) -> Outcome:
        """The decisions without further runs."""
        return self.simulate(np.zeros(len(self.hours), dtype=int))

    def choose(self, budget: float) -> Iterator[Outcome]:
        """The decisions after each group of runs that the search adds within `budget` hours."""
        now, groups = self.now, self._groups_within(budget)
        hours, bounds = [float(group @ self.hours) for group in groups], [np.inf] * len(groups)
        while True:
            best, most, after = None, 0.0, now
            for place in sorted(range(len(groups)), key=lambda place: -bounds[place]):
                if hours[place] > budget or bounds[place] <= most:
                    continue
                outcome = self.simulate(now.added + groups[place], now)
                gain = outcome.decided - now.decided
                bounds[place] = gain / hours[place] if gain > LEAST_GAIN else 0.0
                if bounds[place] > most:
                    best, most, after = place, bounds[place], outcome
            if best is None:
                return
            yield after
            now, budget = after, budget - hours[best]
            for place, group in enumerate(groups):
                if (group * groups[best]).any():  # one step is taken to double a rate at most
                    bounds[place] = max(2 * bounds[place], LEAST_GAIN / hours[place])

    def hours_to_decide(self, claim: Claim) -> float | None:
        """Hours for an 80 % chance of one claim; None if 100 further seeds do not give it."""

        def enough(group: np.ndarray, size: int) -> bool:
            return self.simulate(size * group, self.now).chance(claim.id) >= POWER

        hours = [
            next(size for size in (*SIZES, 15, 30, 50, estimates.MOST_SEEDS) if enough(group, size))
            * float(group @ self.hours)
            for group in self._groups(claim, singles=False)
            if enough(group, estimates.MOST_SEEDS)
        ]
        return min(hours, default=None)

    def simulate(self, added: np.ndarray, start: Outcome | None = None) -> Outcome:
        """The decisions with `added` seeds; of `start`, only what differs is tested again."""
        known: dict[Comparison, Finding] = {}
        if start is not None:
            changed = {self.family.variants[place] for place in np.flatnonzero(start.added - added)}
            findings = start.judgement.findings
            known = {item: findings[item] for item in findings if changed.isdisjoint(item.variants)}
        future = partial(self.future, added)
        return Outcome(added, judge(self.family, future, self.never_refuted, known))

    def future(self, added: np.ndarray, quantity: str, weights: np.ndarray) -> Estimates:
        """The witness of our runs and `added` simulated ones: its effects are (draws, effects)."""
        now, spread = self.ours.estimates(quantity, weights), self.ours.spreads[quantity]
        means, squares = self.means[quantity], weights**2
        before = np.isfinite(self.ours.values[quantity]).sum(axis=1)
        fixed = self.measured & (quantity == "epoch_seconds") & (before > 0)
        after = before + np.where(fixed, 0, added)
        share = 1 / np.maximum(after, 1)
        # An expected value without runs counts as one seed.
        variance = np.where(before > 0, 1 / np.maximum(before, 1) - share, 1 + share)
        per_seed = now.of_seeds / (squares @ (1 / np.maximum(before, 1)))
        moves = (self._noise[quantity] * np.sqrt(variance)) @ weights.T * np.sqrt(per_seed)
        unknown = weights[:, np.isnan(means) | (after == 0)].any(axis=1)
        seeds = np.where(weights != 0, after, after.max(initial=0) + 1).min(axis=1)
        own_df = np.maximum(seeds - 1, 0) - np.maximum(now.seeds - 1, 0)
        more = (np.maximum(after, 1) - np.maximum(before, 1)).sum()
        prior_df = replace(spread, df=spread.df + more).prior_df(weights)
        of_images = now.of_images
        if quantity == ACCURACY:  # a second seed separates the variance of the images
            single = (before == 1) & (after > 1)
            repeated = single * (1 - OWN_IMAGES) * self.ours.images.diagonal()
            of_images = np.maximum(of_images - squares @ repeated, 0)
        return Estimates(
            np.where(unknown, np.nan, weights @ np.nan_to_num(means) + moves),
            per_seed * (squares @ share),
            now.df + own_df + prior_df - spread.prior_df(weights),
            of_images,
            seeds,
        )

    def _groups_within(self, budget: float) -> list[np.ndarray]:
        """The groups of all claims that `budget` hours, spent on one claim, could decide."""
        rows = []
        for claim in self.family.claims:
            groups = self._groups(claim)
            largest = [int(budget / (group @ self.hours)) * group for group in groups]
            if any(self.simulate(g, self.now).chance(claim.id) > LEAST_GAIN for g in largest):
                rows += groups
        return [size * group for group in np.unique(rows, axis=0) for size in SIZES] if rows else []

    def _groups(self, claim: Claim, singles: bool = True) -> list[np.ndarray]:
        """Groups of variants that could get further seeds for a claim, as rows of 0 and 1."""
        found, factor = self.now.judgement.findings, self.now.judgement.factor
        open_items = [
            item.variants
            for item in claim.comparisons
            if self.now.chance(claim.id) < 1
            and (item not in found or (found[item].evidence.support * factor >= ALPHA).any())
        ]
        if not open_items:
            return []
        union = list(dict.fromkeys(itertools.chain.from_iterable(open_items)))
        groups = [union, *open_items, *([name] for name in union if singles)]
        return [np.isin(self.family.variants, group).astype(int) for group in groups]

    @cached_property
    def _noise(self) -> dict[str, np.ndarray]:
        rng, shape = np.random.default_rng(self.draws), (self.draws, len(self.hours))
        noise = {quantity: rng.standard_normal(shape) for quantity in QUANTITIES}
        return noise | dict.fromkeys(OF_BEST, noise["best_epoch"])  # runtimes follow the epochs


def expected_values(ours: SeedSample, others: Sequence[Witness]) -> dict[str, np.ndarray]:
    """Means of our runs by quantity; variants without a run get those of other witnesses.

    The first witness that has the variant counts, less its mean gap to ours. nan where none has,
    and where our runs are censored.
    """
    each = np.eye(len(ours.images))
    absent = np.isnan(ours.values[ACCURACY]).all(axis=1)
    means = {}
    for quantity in QUANTITIES:
        own = ours.estimates(quantity, each).value
        means[quantity] = own
        for witness in others:
            guess = witness(quantity, each).value
            gaps = (own - guess)[np.isfinite(own - guess)]
            guess += gaps.mean() if len(gaps) else 0.0
            unknown = absent & np.isnan(means[quantity])
            means[quantity] = np.where(unknown, guess, means[quantity])
    return means
