"""The paper's claims for the report: sentences, scales and statistics, as values."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from convnets.core.templates import texts
from convnets.judging.verdicts import FAILS, UNDECIDED
from convnets.report.axis import Axis

ClaimRow = dict[Any, Any]
"""A row of `claims.csv`: a part of a claim."""
WITNESSES = ("", "theirs_", "paper_")
"""Prefixes of the columns of each witness in claims.csv."""


class ShownGroup(NamedTuple):
    """Comparisons of a claim that share a sentence and a scale."""

    sentence: str
    parts: list[ClaimRow]
    axis: Axis | None
    """None for a computed number, which is not drawn."""


class ShownClaim(NamedTuple):
    """A claim with all that the report shows of it."""

    about: ClaimRow
    """Any of its parts, for the columns that all share."""
    decisive: ClaimRow
    """The part that decides the verdict."""
    lean: str
    """`for` or `against`, if our runs leave the claim undecided and favour a side."""
    groups: list[ShownGroup]


def claims_of(claims: pd.DataFrame) -> list[ShownClaim]:
    """All claims, in the order of the paper."""
    rows: list[ClaimRow] = claims.to_dict("records")
    return [_claim(list(parts)) for _, parts in itertools.groupby(rows, lambda row: row["claim"])]


def _claim(parts: list[ClaimRow]) -> ShownClaim:
    first, groups = parts[0], dict[str, list[ClaimRow]]()
    for part in parts:
        groups.setdefault(part["says"], []).append(part)
    undecided = first["judged_claim"] == UNDECIDED and pd.notna(first["lean"])
    lean = str(first["lean"]) if undecided else ""
    shown = [ShownGroup(sentence(group), group, _axis(group)) for group in groups.values()]
    return ShownClaim(first, _decisive(parts), lean, shown)


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
