"""The paper's claims for the report, as values: sentences, scales and statistics."""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator

from convnets.core.templates import texts
from convnets.judging.verdicts import FAILS, UNDECIDED

ClaimRow = dict[Any, Any]
"""A row of `claims.csv`: a part of a claim."""
WITNESSES = ("", "theirs_", "paper_")
"""Prefixes of the columns of each witness in claims.csv."""


class Axis(NamedTuple):
    """A linear or logarithmic scale; places are in percent of its length."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def over(cls, values: Iterable[float | None], log: bool = False) -> "Axis":
        """The scale that has room for `values`; those that are missing or infinite do not count."""
        known = [value for value in values if value is not None and math.isfinite(value)]
        known = [value for value in known if value > 0 or not log] or [1.0]
        ends = [math.log(end) if log else end for end in (min(known), max(known))]
        margin = 0.05 * (ends[1] - ends[0]) or 0.01
        low, high = ends[0] - margin, ends[1] + margin
        return cls(math.exp(low), math.exp(high), log) if log else cls(low, high)

    def at(self, value: float) -> float:
        """The place of `value`; beyond an end, that end."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0), 1), 2)

    def ticks(self) -> list[float]:
        """Three to six round numbers on the scale."""
        wide = self.log and self.high > 8 * self.low
        locator = LogLocator(subs=(1, 3)) if wide else MaxNLocator(4, steps=[1, 2, 2.5, 5, 10])
        values = map(float, locator.tick_values(self.low, self.high))
        return [value for value in values if self.low <= value <= self.high]


def claims_of(claims: pd.DataFrame) -> list[dict[str, Any]]:
    """All claims, in the order of the paper.

    `about` is any part of the claim, for the columns that all share; `decisive` the part that
    decides the verdict. `lean` is `for` or `against`, if our runs leave the claim undecided and
    favour a side. `groups` are comparisons that share a sentence and a scale; a computed number,
    which is not drawn, has none.
    """
    return [_claim(parts) for _, parts in claims.groupby("claim", sort=False)]


def _claim(parts: pd.DataFrame) -> dict[str, Any]:
    rows: list[ClaimRow] = parts.to_dict("records")
    groups = [group.to_dict("records") for _, group in parts.groupby("says", sort=False)]
    undecided = rows[0]["judged_claim"] == UNDECIDED and pd.notna(rows[0]["lean"])
    return {
        "about": rows[0],
        "decisive": _decisive(rows),
        "lean": str(rows[0]["lean"]) if undecided else "",
        "groups": [{"sentence": sentence(g), "parts": g, "axis": _axis(g)} for g in groups],
    }


def _decisive(parts: list[ClaimRow]) -> ClaimRow:
    """The part that decides the verdict: the clearest refutation, else the weakest support."""
    verdict = parts[0]["judged_claim"]
    candidates = [part for part in parts if part["judged"] == verdict] or parts
    choose = min if verdict == FAILS else max
    return choose(candidates, key=lambda part: 0 if pd.isna(part["p_holm"]) else part["p_holm"])


def sentence(parts: Sequence[ClaimRow]) -> str:
    """The group in plain words, with the values of each witness that has any."""
    known: dict[str, list[float]] = {}
    for prefix, part in itertools.product(WITNESSES, parts):
        if pd.notna(part[f"{prefix}effect"]):
            known.setdefault(prefix, []).append(part[f"{prefix}effect"])
    first = parts[0]
    unit, evidence = first["unit"], first["evidence"]
    return texts("claim", known=known, says=first["says"], unit=unit, evidence=evidence)["sentence"]


def _axis(parts: Sequence[ClaimRow]) -> Axis | None:
    """A scale for all effects, our intervals and the claimed bounds; None without any effect."""
    effects = [part[f"{prefix}effect"] for part in parts for prefix in WITNESSES]
    if parts[0]["test"] == "computed" or pd.isna(effects).all():
        return None
    others = [part[name] for part in parts for name in ("low", "high", "above", "below")]
    return Axis.over([*effects, *others], log=parts[0]["unit"] == "ratio")
