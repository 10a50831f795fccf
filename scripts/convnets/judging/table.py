"""claims.csv: a row for each part of each claim, with the verdicts of all witnesses.

`verdict` and `claim_verdict` are those of our runs; `theirs_...` of other people's runs,
`paper_...` of the paper's own numbers, and `combined_verdict` of ours and theirs together, only
where both have a part of the claim. Under *other* conditions our verdicts read "on these networks",
and `judged_claim` and `judged` say what they are there.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from convnets.core.formats import interval, number, p_value
from convnets.core.tables import WORDS, read_table
from convnets.judging.claims import Claim, Comparison, Family, Part
from convnets.judging.conditions import OTHER, SAME, censored, deviations, level, other_hardware
from convnets.judging.estimates import MOST_SEEDS
from convnets.judging.judge import Judgement, Witness, both, computed_verdict, judge
from convnets.judging.others import Prior, other_peoples_runs
from convnets.judging.spread import ACCURACY, OF_BEST
from convnets.judging.verdicts import (
    FAILS,
    HOLDS,
    NOT_RUN,
    ON_THESE_NETWORKS,
    UNDECIDED,
    Evidence,
)
from convnets.judging.witnesses import our_runs, papers_numbers
from convnets.runs.metrics import RUNTIMES

COLUMNS = [
    *("claim", "section", "sentence", "quote", "claim_verdict", "judged_claim", "lean", "lean_p"),
    *("part", "quantity", "claimed", "ours", "says", "above", "below"),
    *("verdict", "judged", "evidence"),
    *("effect", "low", "high", "unit", "test", "p", "p_holm", "seeds", "seeds_to_decide"),
    *("theirs_claim_verdict", "theirs_verdict", "theirs_effect", "theirs_low", "theirs_high"),
    *("theirs_p", "theirs_persons", "theirs_evidence", "combined_verdict"),
    *("paper_claim_verdict", "paper_verdict", "paper_effect", "paper_low", "paper_high"),
    *("paper_evidence", "conditions", "level"),
]
NO_NUMBERS = "no numbers"
Row = dict[str, Any]


@dataclass(frozen=True)
class About:
    """The conditions of our runs."""

    conditions: str
    level: str
    elsewhere: Collection[str]
    """Variants that were run under *other* conditions."""
    censored: Collection[str]
    """Variants whose best epoch is unknown."""
    hardware: Collection[str]
    """Machines of another kind than the paper's."""


def about_runs(runs: pd.DataFrame, provenance: dict[str, Any]) -> About:
    """The conditions of `runs`, as read from metrics.csv."""
    if runs.empty:
        return About("no finished run", SAME, (), (), ())
    elsewhere = {
        str(variant)
        for variant, of_variant in runs.groupby("variant")
        if level(provenance, of_variant) == OTHER
    }
    return About(
        "; ".join(deviations(provenance, runs)) or "as in the paper",
        level(provenance, runs),
        elsewhere,
        censored(runs),
        other_hardware(runs),
    )


def judge_all(
    claims: list[Claim],
    runs: pd.DataFrame,
    right: Mapping[str, np.ndarray],
    published: pd.DataFrame,
    prior: Prior,
    mechanism: Mapping[str, Any],
    provenance: dict[str, Any],
) -> pd.DataFrame:
    """The claims judged by all witnesses: `runs` and `right` are ours, `prior` other people's."""
    family = Family.of(claims)
    ours = our_runs(runs, right, family.variants)
    theirs = other_peoples_runs(prior, family.variants, ours)
    paper = papers_numbers(published, family.variants, ours)
    return judge_claims(family, ours, theirs, paper, mechanism, about_runs(runs, provenance))


def judge_claims(
    family: Family,
    ours: Witness,
    theirs: Witness,
    paper: Witness,
    mechanism: Mapping[str, Any],
    about: About,
) -> pd.DataFrame:
    """One row for each part of each claim; `mechanism` has the computed measures."""
    never = RUNTIMES if about.hardware else ()
    mine, other, numbers = judge(family, ours, never), judge(family, theirs), judge(family, paper)
    together = both(family, mine, other)
    rows: list[Row] = []
    for claim in family.claims:
        parts = [
            _about(part, item)
            | _ours(claim, item, mine, about)
            | _others(claim, item, other, "theirs")
            | _others(claim, item, numbers, "paper")
            for part, item in claim.comparisons()
        ]
        computed = [_computed(part, mechanism) for part in claim.parts if part.computed]
        judged = mine.verdict(claim)
        if judged == NOT_RUN:  # nothing was tested: computed, censored, or really not run
            judged = _all_of([row["judged"] for row in [*parts, *computed]])
        tested = {name for _, item in claim.comparisons() for name in item.variants}
        verdict = _limited(judged, tested, about)
        seen = claim.id in mine.claims and claim.id in other.claims
        shared = {
            "claim": claim.id,
            "section": claim.section,
            "sentence": claim.sentence,
            "quote": claim.quote,
            "claim_verdict": verdict,
            "judged_claim": judged,
            **_lean(mine.claims.get(claim.id)),
            "theirs_claim_verdict": _known(other, claim),
            "paper_claim_verdict": _known(numbers, claim),
        }
        if seen and verdict != ON_THESE_NETWORKS:
            shared["combined_verdict"] = together.verdict(claim)
        rows += [
            row | shared | {"part": number} for number, row in enumerate([*parts, *computed], 1)
        ]
    table = pd.DataFrame(rows).assign(conditions=about.conditions, level=about.level)
    whole = dict.fromkeys(("seeds", "seeds_to_decide", "theirs_persons"), "Int64")
    return table.reindex(columns=COLUMNS).astype(whole)


def read_claims(path: Path) -> pd.DataFrame:
    """`claims.csv`. Raises `UserError` if it is damaged."""
    numbers = [name for name in COLUMNS if name.endswith(("effect", "low", "high"))]
    filled = [name for name in COLUMNS if name.endswith(("verdict", "claim", "claimed"))]
    filled = [*set(filled) - {"combined_verdict"}, "sentence", "quote", "part", "says", "judged"]
    return read_table(
        path,
        remedy="make it again with judge_claims.py",
        columns=COLUMNS,
        numbers=[*numbers, "claim", "part", "above", "below", "p_holm"],
        filled=filled,
        unique=("claim", "part"),
        **WORDS,
    )


def _about(part: Part, comparison: Comparison) -> Row:
    unit = "fraction" if part.quantity == ACCURACY else "ratio"
    claimed = comparison.text
    if part.at_least is not None:
        claimed += f" (for {part.at_least} of {len(part.units)})"
    return _shared(part) | {"quantity": part.quantity, "claimed": claimed, "unit": unit}


def _shared(part: Part) -> Row:
    return {"ours": part.ours, "says": part.says, "above": part.above, "below": part.below}


def _ours(claim: Claim, item: Comparison, mine: Judgement, about: About) -> Row:
    if item not in mine.findings:
        cut = [name for name in item.variants if name in about.censored]
        if cut and item.quantity in OF_BEST:
            reason = f"cut short at or near the best epoch: {', '.join(cut)}"
            return {"verdict": UNDECIDED, "judged": UNDECIDED, "evidence": reason}
        reason = f"no finished run of one of {', '.join(item.variants)}"
        return {"verdict": NOT_RUN, "judged": NOT_RUN, "evidence": reason}
    finding = mine.findings[item]
    word, corrected = mine.part_verdict(claim, item)
    shown = _numbers(finding.effects, finding.index, item)
    seeds = int(finding.effects.seeds[finding.index])
    p = finding.evidence.p
    words = f"{_interval(shown)}; {p_value(p)}, corrected {p_value(corrected)}"
    needed = None
    if seeds == 1:
        words += "; one seed, with the spread of other variants or an assumed one"
    if word == UNDECIDED:
        needed = mine.seeds_to_decide(claim, item)
        number = f"{needed} seeds" if needed else f"more than {MOST_SEEDS} seeds"
        words += f"; if the effect stays, {number} would decide it with 80 % power"
    return shown | {
        "verdict": _limited(word, item.variants, about),
        "judged": word,
        "evidence": words,
        "test": "Student's t, moderated variance",
        "p": p,
        "p_holm": corrected,
        "seeds": seeds,
        "seeds_to_decide": needed,
    }


def _others(claim: Claim, item: Comparison, found: Judgement, name: str) -> Row:
    """A part as another witness has it, in columns that begin with `name`."""
    if item not in found.findings:
        return {f"{name}_verdict": NO_NUMBERS, f"{name}_evidence": f"{name} has no numbers for it"}
    finding = found.findings[item]
    shown = _numbers(finding.effects, finding.index, item)
    word, _ = found.part_verdict(claim, item)
    row = {f"{name}_{key}": value for key, value in shown.items()}
    row |= {f"{name}_verdict": word, f"{name}_p": finding.evidence.p}
    words = _interval(shown)
    if name == "theirs":
        persons = int(finding.effects.seeds[finding.index])
        row["theirs_persons"] = persons
        words += f"; {persons} persons or more"
    return row | {f"{name}_evidence": f"{words}; {p_value(finding.evidence.p)}"}


def _computed(part: Part, mechanism: Mapping[str, Any]) -> Row:
    """A part that follows from the architecture, or from timing two ways of computing the same."""
    found = mechanism[part.computed]
    verdict = computed_verdict(part, found)
    return _shared(part) | {
        "quantity": part.computed,
        "claimed": f"{part.computed.replace('_', ' ')} {part.bounds}",
        "verdict": verdict,
        "judged": verdict,
        "effect": found["value"],
        "low": found["low"],
        "high": found["high"],
        "test": "computed",
        "evidence": f"{number(found['value'], 'ratio')}: {found['how']}",
        "theirs_verdict": NO_NUMBERS,
        "paper_verdict": NO_NUMBERS,
    }


def _all_of(verdicts: list[str]) -> str:
    """The verdict on a claim whose parts have no p-values."""
    known = set(verdicts) - {NOT_RUN}
    if not known:
        return NOT_RUN
    return FAILS if FAILS in known else HOLDS if set(verdicts) == {HOLDS} else UNDECIDED


def _known(judgement: Judgement, claim: Claim) -> str:
    return judgement.verdict(claim) if claim.id in judgement.claims else NO_NUMBERS


def _limited(verdict: str, variants: Collection[str], about: About) -> str:
    """Under other conditions, a verdict is on these networks only."""
    elsewhere = not set(variants).isdisjoint(about.elsewhere)
    return ON_THESE_NETWORKS if elsewhere and verdict != NOT_RUN else verdict


def _lean(evidence: Evidence | None) -> Row:
    return {"lean": evidence.lean, "lean_p": evidence.p} if evidence else {}


def _numbers(effects: Any, index: int, item: Comparison) -> Row:
    low, high = effects.interval
    values = {"effect": effects.value[index], "low": low[index], "high": high[index]}
    plain = float if item.quantity == ACCURACY else math.exp
    return {key: plain(value) for key, value in values.items()} | {
        "unit": "fraction" if item.quantity == ACCURACY else "ratio"
    }


def _interval(row: Row) -> str:
    """An effect with its interval in words: points of accuracy, or factors."""
    unit, sign, name = (
        ("points", "+", "points") if row["unit"] == "fraction" else ("ratio", "", "times")
    )
    low_to_high = interval(row["low"], row["high"], unit, sign)
    return f"{number(row['effect'], unit, sign)} {name} ({low_to_high})"
