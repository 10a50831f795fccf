"""The paper's claims: read from data, and taken apart into comparisons of one effect each."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from convnets.errors import UserError
from convnets.judging.runtime import QUANTITIES
from convnets.judging.verdict import Region
from convnets.settings import from_mapping

ACCURACY = "test_accuracy"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Part:
    """A part of a claim as config/claims.yaml has it; its head explains the keys."""

    quantity: str = ""
    first: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    trend: tuple[str, ...] = ()
    computed: str = ""
    above: float = -math.inf
    below: float = math.inf
    equals: float | None = None
    ours: str = ""

    @property
    def bounds(self) -> str:
        """What is claimed, in the part's own unit."""
        if self.equals is not None:
            text = f"= {self.equals:g}"
        elif math.isinf(self.below):
            text = f"> {self.above:g}"
        elif math.isinf(self.above):
            text = f"< {self.below:g}"
        else:
            text = f"between {self.above:g} and {self.below:g}"
        return text.replace("-", MINUS)


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper that asserts something."""

    id: int
    section: str
    sentence: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Comparison:
    """One effect that a claim says something about: a weighted sum over variants."""

    claim: Claim
    part: Part
    weights: dict[str, float]
    text: str
    """What is claimed, as a formula."""

    @property
    def region(self) -> Region:
        """Where the effect is claimed to lie; of ratios, the logarithm."""
        if self.part.quantity == ACCURACY:
            return Region(self.part.above, self.part.below)
        low = math.log(self.part.above) if self.part.above > 0 else -math.inf
        return Region(low, math.log(self.part.below) if self.part.below < math.inf else math.inf)


def load_claims(file: Path) -> list[Claim]:
    """The claims in a YAML file. Raises `UserError` where a part makes no sense."""
    claims = []
    for values in yaml.safe_load(file.read_text(encoding="utf-8")):
        parts = tuple(from_mapping(Part, part) for part in values["parts"])
        claim = from_mapping(Claim, values | {"parts": None})
        claims.append(Claim(claim.id, claim.section, claim.sentence, parts))
        for part in parts:
            _check(part, f"{file}: claim {claim.id}")
    return claims


def comparisons(claim: Claim) -> Iterator[Comparison]:
    """The comparisons of a claim, but for what is computed without any training."""
    for part in claim.parts:
        if part.trend:
            text = f"slope over {', '.join(part.trend)} {part.bounds}"
            yield Comparison(claim, part, _slope(part.trend), text)
        sign = MINUS if part.quantity == ACCURACY else "/"
        for first, second in itertools.product(part.first, part.second):
            text = f"{first} {sign} {second} {part.bounds}"
            yield Comparison(claim, part, {first: 1.0, second: -1.0}, text)


def _slope(variants: tuple[str, ...]) -> dict[str, float]:
    """Weights that give the least-squares slope per step."""
    middle = (len(variants) - 1) / 2
    scale = sum((place - middle) ** 2 for place in range(len(variants)))
    return {variant: (place - middle) / scale for place, variant in enumerate(variants)}


def _check(part: Part, where: str) -> None:
    kinds = [bool(part.first and part.second), len(part.trend) > 1, bool(part.computed)]
    if sum(kinds) != 1:
        raise UserError(
            f"{where}: a part must have `first` and `second`, a `trend` of two or more variants, "
            "or `computed`, and only one of these"
        )
    if part.equals is None and math.isinf(part.above) and math.isinf(part.below):
        raise UserError(f"{where}: a part says neither `above`, `below` nor `equals` what")
    if not part.computed and part.quantity not in (ACCURACY, *QUANTITIES):
        expected = ", ".join((ACCURACY, *QUANTITIES))
        raise UserError(f"{where}: quantity is {part.quantity!r}, expected one of {expected}")
    if part.equals is not None and not part.computed:
        raise UserError(f"{where}: `equals` is for what is computed; give a margin instead")
