"""What the report says of the paper's claims: a verdict on each, its evidence, and all parts."""

import itertools
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from convnets import markup
from convnets.judging.verdicts import FAILS, UNDECIDED
from convnets.markup import Column
from convnets.report import plural

Part = dict[Any, Any]
"""A row of `claims.csv`."""


def read_claims(file: Path) -> pd.DataFrame:
    """`claims.csv`: one row for each part of a claim."""
    return pd.read_csv(file, keep_default_na=False, na_values=[""])


def overview(claims: pd.DataFrame) -> Markup:
    """One row a claim: our verdict, the part that decides it, and the other witnesses' verdicts."""
    columns = [
        Column("Claim"),
        Column("Verdict", "text"),
        Column("Says", "prose"),
        Column("Section", "text"),
        Column("Deciding part", "prose"),
        Column("Other people's runs", "text"),
        Column("The paper's numbers", "text"),
    ]
    rows, ids = [], []
    for parts in _by_claim(claims):
        first, decisive = parts[0], deciding_part(parts)
        ids.append(f"claim-{first['claim']}")
        rows.append(
            [
                first["claim"],
                _verdict(first),
                first["sentence"],
                first["section"],
                Markup("<code>{}</code>: {}").format(decisive["claimed"], decisive["evidence"]),
                markup.verdict(first["theirs_claim_verdict"]),
                markup.verdict(first["paper_claim_verdict"]),
            ]
        )
    return markup.table(columns, rows, "Claims of the paper", ids)


def deciding_part(parts: list[Part]) -> Part:
    """What the verdict on a claim hangs on: the clearest refutation, else the weakest support."""
    verdict = parts[0]["judged_claim"]
    candidates = [part for part in parts if part["judged"] == verdict] or parts
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
        Column("Other people's runs", "text"),
        Column("They give", "prose"),
        Column("The paper's numbers", "text"),
        Column("They give", "prose"),
    ]
    rows = [
        [
            part["claimed"],
            markup.verdict(part["verdict"]),
            part["evidence"],
            _text(part["ours"]),
            markup.verdict(part["theirs_verdict"]),
            _text(part["theirs_evidence"]),
            markup.verdict(part["paper_verdict"]),
            _text(part["paper_evidence"]),
        ]
        for part in parts
    ]
    title = f"Claim {parts[0]['claim']}: {plural(len(parts), 'part')}"
    ids = [f"claim-{part['claim']}-{part['part']}" for part in parts]
    return markup.folded(title, markup.table(columns, rows, title, ids))


def _verdict(row: Part) -> Markup:
    """The verdict on a claim; below it what it is on these networks, or where it leans."""
    word, judged = row["claim_verdict"], row["judged_claim"]
    notes = [judged] if judged != word else []
    if judged == UNDECIDED and pd.notna(row["lean"]):
        notes.append(f"leans {row['lean']}")
    shown = Markup("<br><small>{}</small>").format(", ".join(notes)) if notes else Markup("")
    return markup.verdict(word) + shown


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)
