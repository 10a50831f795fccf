"""What the report says of the paper's claims: a verdict on each, its evidence, and all parts."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from convnets import markup
from convnets.judging.verdict import FAILS
from convnets.markup import Column
from convnets.report import plural

Part = dict[Any, Any]
"""A row of `claims.csv`."""


def read_claims(file: Path) -> pd.DataFrame:
    """`claims.csv`: one row for each part of a claim."""
    return pd.read_csv(file, keep_default_na=False, na_values=[""])


def overview(claims: pd.DataFrame) -> Markup:
    """One row a claim: the verdict, the part that decides it, and what the paper's numbers say."""
    columns = [
        Column("Claim"),
        Column("Verdict", "text"),
        Column("Says", "prose"),
        Column("Section", "text"),
        Column("Deciding part", "prose"),
        Column("The paper's numbers", "text"),
    ]
    rows, ids = [], []
    for parts in _by_claim(claims):
        first, decisive = parts[0], deciding_part(parts)
        ids.append(f"claim-{first['claim']}")
        rows.append(
            [
                first["claim"],
                markup.verdict(first["claim_verdict"]),
                first["sentence"],
                first["section"],
                Markup("<code>{}</code>: {}").format(decisive["claimed"], decisive["evidence"]),
                _of_paper(parts),
            ]
        )
    return markup.table(columns, rows, "Claims of the paper", ids)


def deciding_part(parts: list[Part]) -> Part:
    """What the verdict on a claim hangs on: the clearest refutation, else the weakest support."""
    verdict = parts[0]["claim_verdict"]
    candidates = [part for part in parts if part["verdict"] == verdict] or parts
    choose = min if verdict == FAILS else max
    return choose(candidates, key=lambda part: 0 if pd.isna(part["p_holm"]) else part["p_holm"])


def details(claims: pd.DataFrame) -> Markup:
    """Every part of every claim, one table a claim, folded."""
    return markup.join([_parts(parts) for parts in _by_claim(claims)])


def _by_claim(claims: pd.DataFrame) -> list[list[Part]]:
    rows: list[Part] = claims.to_dict("records")
    return [list(parts) for _, parts in itertools.groupby(rows, key=lambda part: part["claim"])]


def _parts(parts: list[Part]) -> Markup:
    columns = [
        Column("Part", "code"),
        Column("Verdict", "text"),
        Column("Evidence", "prose"),
        Column("Chosen by this project", "prose"),
        Column("The paper's numbers", "text"),
        Column("They give", "prose"),
    ]
    rows = [
        [
            part["claimed"],
            markup.verdict(part["verdict"]),
            part["evidence"],
            _text(part["ours"]),
            markup.verdict(part["paper_verdict"]),
            _text(part["paper_evidence"]),
        ]
        for part in parts
    ]
    title = f"Claim {parts[0]['claim']}: {plural(len(parts), 'part')}"
    ids = [f"claim-{part['claim']}-{part['part']}" for part in parts]
    return markup.folded(title, markup.table(columns, rows, title, ids))


def _of_paper(parts: list[Part]) -> Markup:
    """How many parts of a claim the paper's numbers give which verdict."""
    number = Counter(part["paper_verdict"] for part in parts)
    return markup.join([f"{number[word]} {word}" for word in number], "<br>")


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)
