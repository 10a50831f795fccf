"""The paper's claims: read from data, and taken apart into comparisons of one effect each."""

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from convnets.config.overlays import read_yaml
from convnets.config.settings import parse, read_as
from convnets.core.errors import UserError
from convnets.core.files import ROOT
from convnets.core.formats import MINUS
from convnets.core.kinds import Strict, section
from convnets.judging.estimates import ACCURACY, QUANTITIES

MEASURE = section(**dict.fromkeys(("value", "low", "high"), float), how=str)
"""A measure in `mechanism.json`."""


@dataclass(frozen=True)
class Comparison:
    """One effect, a weighted sum over variants, and the region that the claim asserts."""

    quantity: str
    weights: tuple[tuple[str, float], ...]
    low: float
    high: float
    text: str
    """The claim as a formula."""

    @property
    def variants(self) -> list[str]:
        """The variants concerned."""
        return [name for name, _ in self.weights]


@dataclass(frozen=True)
class ClaimPart(Strict):
    """A part of a claim, as config/claims.yaml has it; its head explains the keys."""

    quantity: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    first: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    trend: tuple[str, ...] = ()
    computed: str = ""
    above: float = -math.inf
    below: float = math.inf
    equals: float | None = None
    at_least: int | None = None
    ours: str = ""
    says: str = ""

    @property
    def bounds(self) -> str:
        """The claimed region, accuracies in percentage points."""
        scale, unit = (100, " points") if self.quantity == ACCURACY else (1, "")
        low, high = scale * self.above, scale * self.below
        if self.equals is not None:
            text = f"= {self.equals:g}"
        elif math.isinf(high):
            text = f"> {low:g}{unit}"
        elif math.isinf(low):
            text = f"< {high:g}{unit}"
        else:
            text = f"between {low:g} and {high:g}{unit}"
        return text.replace("-", MINUS)

    @cached_property
    def units(self) -> list[list[Comparison]]:
        """The units that `at_least` counts, each of them comparisons that must all be inside."""
        if self.pairs:
            return [[self._difference(*pair)] for pair in self.pairs]
        if self.second:
            return [[self._difference(one, other) for other in self.second] for one in self.first]
        if self.rest:
            weights = dict.fromkeys(self.first, 1 / len(self.first))
            weights |= dict.fromkeys(self.rest, -1 / len(self.rest))
            names = (f"mean of {', '.join(side)}" for side in (self.first, self.rest))
            return [[self._comparison(weights, *names)]]
        if self.trend:
            return [[self._comparison(_slope(self.trend), f"slope over {', '.join(self.trend)}")]]
        return []

    def _difference(self, first: str, second: str) -> Comparison:
        return self._comparison({first: 1.0, second: -1.0}, first, second)

    def _comparison(self, weights: dict[str, float], *names: str) -> Comparison:
        low, high, sign = self.above, self.below, MINUS
        if self.quantity != ACCURACY:
            sign = "/"
            low = math.log(low) if low > 0 else -math.inf
            high = math.log(high) if high < math.inf else math.inf
        text = f"{f' {sign} '.join(names)} {self.bounds}"
        return Comparison(self.quantity, tuple(weights.items()), low, high, text)


@dataclass(frozen=True)
class Claim(Strict):
    """A sentence of the paper that asserts something."""

    id: int
    section: str
    sentence: str
    """The assertion in our words."""
    quote: str
    """The paper's own words."""
    parts: tuple[ClaimPart, ...]

    @cached_property
    def conditions(self) -> list[tuple[int, list[list[Comparison]]]]:
        """All that must be true: at least so many of these units, of one or more comparisons."""
        counting = [(part.at_least, part.units) for part in self.parts if part.at_least is not None]
        units = (unit for part in self.parts if part.at_least is None for unit in part.units)
        required = dict.fromkeys(itertools.chain.from_iterable(units))
        return [*counting, *((1, [[comparison]]) for comparison in required)]

    @cached_property
    def computed(self) -> list[ClaimPart]:
        """Parts that are not compared between variants, but computed."""
        return [part for part in self.parts if part.computed]

    @cached_property
    def comparisons(self) -> dict[Comparison, ClaimPart]:
        """Every comparison, with the first part that has it."""
        found: dict[Comparison, ClaimPart] = {}
        for part in self.parts:
            for comparison in itertools.chain.from_iterable(part.units):
                found.setdefault(comparison, part)
        return found


class Family:
    """The comparisons of all claims, each once, with their weights for all variants concerned."""

    def __init__(self, claims: list[Claim]) -> None:
        self.claims = claims
        every = dict.fromkeys(item for claim in claims for item in claim.comparisons)
        self.variants = list(dict.fromkeys(name for item in every for name in item.variants))
        self.weights = {
            item: np.array([dict(item.weights).get(name, 0.0) for name in self.variants])
            for item in every
        }


def load_claims(file: Path = ROOT / "config/claims.yaml") -> list[Claim]:
    """The claims in a YAML file. Raises `UserError` where a part makes no sense."""
    claims = []
    for values in parse(list[dict[str, Any]], read_yaml(file), str(file)):
        where = f"{file}: claim {values.get('id')}"
        claims.append(parse(Claim, values, where))
        for part in claims[-1].parts:
            _check(part, where)
    return claims


def read_mechanism(path: Path) -> dict[str, Any]:
    """The file of `measure_mechanism.py`, by measure."""
    remedy = "measure it again with measure_mechanism.py"
    measures = read_as(dict[str, MEASURE], path, remedy)  # type: ignore[valid-type]
    wanted = {part.computed for claim in load_claims() for part in claim.parts} - {""}
    if missing := sorted(wanted - measures.keys()):
        raise UserError(f"{path} is damaged (it has no {', '.join(missing)}): {remedy}")
    return measures


def _slope(variants: tuple[str, ...]) -> dict[str, float]:
    """Weights that give the least-squares slope per step; the middle one of three has none."""
    steps = np.arange(len(variants)) - (len(variants) - 1) / 2
    weights = zip(variants, (steps / (steps**2).sum()).tolist(), strict=True)
    return {name: weight for name, weight in weights if weight}


def _check(part: ClaimPart, where: str) -> None:
    kinds = {
        "pairs": part.pairs,
        "first and second": part.first and part.second,
        "first and rest": part.first and part.rest,
        "trend": len(part.trend) > 1,
        "computed": part.computed,
    }
    if sum(map(bool, kinds.values())) != 1:
        raise UserError(f"{where}: a part must have exactly one of: {'; '.join(kinds)}")
    if part.equals is None and math.isinf(part.above) and math.isinf(part.below):
        raise UserError(f"{where}: a part has no `above`, `below` or `equals`, expected one")
    if not part.computed and part.quantity not in QUANTITIES:
        expected = ", ".join(QUANTITIES)
        raise UserError(f"{where}: quantity is {part.quantity!r}, expected one of {expected}")
    if part.equals is not None and not part.computed:
        raise UserError(f"{where}: `equals` is for computed measures; give two bounds instead")
    if part.at_least is not None and not 1 <= part.at_least <= len(part.units):
        expected = f"1 to {len(part.units)}, the number of units"
        raise UserError(f"{where}: at_least is {part.at_least}, expected {expected}")
