"""claims.csv: a row for each part of each claim, with the verdicts of all witnesses.

`verdict` and `claim_verdict` are those of our runs; `theirs_...` those of other people's runs,
`paper_...` those of the paper's own numbers, and `combined_verdict` that of ours and theirs
together, if both have a part of the claim. Under *other* conditions our verdicts read "on these
networks", and `judged_claim` and `judged` are the verdicts on these networks.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from convnets.core.formats import interval, number, p_value
from convnets.core.tables import WORDS, read_table
from convnets.judging import verdicts
from convnets.judging.claims import Claim, ClaimPart, Comparison, Family, load_claims
from convnets.judging.conditions import OTHER, SAME, censored, deviations, level, other_hardware
from convnets.judging.estimates import ACCURACY, MOST_SEEDS, OF_BEST
from convnets.judging.numbers import compare
from convnets.judging.others import Prior, other_peoples_runs, read_prior
from convnets.judging.published import read_published
from convnets.judging.readings import judge_readings, load_readings
from convnets.judging.verdicts import (
    FAILS,
    HOLDS,
    NOT_RUN,
    ON_THESE_NETWORKS,
    UNDECIDED,
    Judgement,
)
from convnets.judging.witnesses import our_runs, papers_numbers, read_correct
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
VERDICTS = (HOLDS, FAILS, UNDECIDED, NOT_RUN, ON_THESE_NETWORKS, NO_NUMBERS)


class About(NamedTuple):
    """The conditions of our runs."""

    conditions: str
    level: str
    elsewhere: Collection[str]
    """Variants that were run under *other* conditions."""
    censored: Collection[str]
    """Variants whose best epoch is unknown."""
    hardware: Collection[str]
    """Machines of another kind than the paper's."""


def judge_runs(
    folders: Iterable[Path],
    runs: pd.DataFrame,
    mechanism: Mapping[str, Any],
    provenance: dict[str, Any],
) -> dict[str, pd.DataFrame]:
    """The tables `comparison`, `claims` and `readings` of finished runs.

    `runs` is metrics.csv of the runs in `folders`.
    """
    published, prior = read_published(), read_prior()
    claims = (load_claims(), runs, read_correct(folders), published, prior, mechanism, provenance)
    return {
        "comparison": compare(published, runs, provenance, prior),
        "claims": judge_all(*claims),
        "readings": judge_readings(load_readings(), published, runs, provenance),
    }


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
    correct: Mapping[str, np.ndarray],
    published: pd.DataFrame,
    prior: Prior,
    mechanism: Mapping[str, Any],
    provenance: dict[str, Any],
) -> pd.DataFrame:
    """One row for each part of each claim, judged by all witnesses.

    `runs` and `correct` are ours, `prior` other people's; `mechanism` has the computed measures.
    """
    family, about = Family.of(claims), about_runs(runs, provenance)
    sample = our_runs(runs, correct, family.variants)
    ours = verdicts.judge(family, sample, RUNTIMES if about.hardware else ())
    theirs = verdicts.judge(family, other_peoples_runs(prior, family.variants, sample))
    paper = verdicts.judge(family, papers_numbers(published, family.variants, sample))
    together = verdicts.both(family, ours, theirs)
    rows: list[dict[str, Any]] = []
    for claim in claims:
        parts = [
            _ours(claim, part, item, ours, about)
            | _others(claim, item, theirs, "theirs")
            | _others(claim, item, paper, "paper")
            for part, item in claim.comparisons()
        ]
        parts += [_computed(part, mechanism) for part in claim.parts if part.computed]
        judged = ours.verdict(claim)
        if judged == NOT_RUN:  # nothing was tested: computed, censored, or really not run
            judged = _all_of([row["judged"] for row in parts])
        tested = {name for _, item in claim.comparisons() for name in item.variants}
        evidence = ours.claims.get(claim.id)
        shared = {
            **{key: getattr(claim, key) for key in ("section", "sentence", "quote")},
            "claim": claim.id,
            "claim_verdict": _limited(judged, tested, about),
            "judged_claim": judged,
            **({"lean": evidence.lean, "lean_p": evidence.p} if evidence else {}),
        }
        for name, judgement in (("theirs", theirs), ("paper", paper)):
            known = claim.id in judgement.claims
            shared[f"{name}_claim_verdict"] = judgement.verdict(claim) if known else NO_NUMBERS
        seen = claim.id in ours.claims and claim.id in theirs.claims
        if seen and shared["claim_verdict"] != ON_THESE_NETWORKS:
            shared["combined_verdict"] = together.verdict(claim)
        rows += [row | shared | {"part": number} for number, row in enumerate(parts, 1)]
    table = pd.DataFrame(rows).assign(conditions=about.conditions, level=about.level)
    whole = dict.fromkeys(("seeds", "seeds_to_decide", "theirs_persons"), "Int64")
    return table.reindex(columns=COLUMNS).astype(whole)


def read_claims(path: Path) -> pd.DataFrame:
    """`claims.csv`. Raises `UserError` if it is damaged."""
    numbers = [name for name in COLUMNS if name.endswith(("effect", "low", "high"))]
    filled = [name for name in COLUMNS if name.endswith(("verdict", "claim", "claimed"))]
    filled = [*set(filled) - {"combined_verdict"}, "sentence", "quote", "part", "says", "judged"]
    parts = [(claim.id, number) for claim in load_claims() for number in range(1, 1 + claim.rows)]
    return read_table(
        path,
        remedy="make it again with judge.py",
        columns=COLUMNS,
        numbers=[*numbers, "claim", "part", "above", "below", "p_holm"],
        filled=filled,
        unique=("claim", "part"),
        words=dict.fromkeys(filter(re.compile("verdict|judged").search, COLUMNS), VERDICTS),
        rows=pd.DataFrame(parts, columns=["claim", "part"]),
        **WORDS,
    )


def _about(part: ClaimPart, quantity: str, claimed: str) -> dict[str, Any]:
    shared = {key: getattr(part, key) for key in ("ours", "says", "above", "below")}
    return shared | {"quantity": quantity, "claimed": claimed}


def _ours(
    claim: Claim, part: ClaimPart, item: Comparison, ours: Judgement, about: About
) -> dict[str, Any]:
    """A comparison with our verdict."""
    of_units = "" if part.at_least is None else f" (for {part.at_least} of {len(part.units)})"
    unit = {"unit": "fraction" if item.quantity == ACCURACY else "ratio"}
    row = unit | _about(part, part.quantity, item.text + of_units)
    if item not in ours.findings:
        cut = [name for name in item.variants if name in about.censored]
        word, reason = NOT_RUN, f"no finished run of one of {', '.join(item.variants)}"
        if cut and item.quantity in OF_BEST:
            word, reason = UNDECIDED, f"cut short at or near the best epoch: {', '.join(cut)}"
        return row | {"verdict": word, "judged": word, "evidence": reason}
    shown, seeds, p, words = _found(item, ours)
    word, corrected = ours.part_verdict(claim, item)
    words += f"; {p_value(p)}, corrected {p_value(corrected)}"
    needed = None
    if seeds == 1:
        words += "; one seed, with the spread of other variants or an assumed one"
    if word == UNDECIDED:
        needed = ours.seeds_to_decide(claim, item)
        number = f"{needed} seeds" if needed else f"more than {MOST_SEEDS} seeds"
        words += f"; if the effect stays, {number} would decide it with 80 % power"
    verdict = {"verdict": _limited(word, item.variants, about), "judged": word, "evidence": words}
    test = {"test": "Student's t, moderated variance", "p": p, "p_holm": corrected}
    return row | shown | verdict | test | {"seeds": seeds, "seeds_to_decide": needed}


def _others(claim: Claim, item: Comparison, found: Judgement, name: str) -> dict[str, Any]:
    """The verdict of another witness on a comparison, in columns that begin with `name`."""
    if item not in found.findings:
        return {f"{name}_verdict": NO_NUMBERS, f"{name}_evidence": f"{name} has no numbers for it"}
    shown, persons, p, words = _found(item, found)
    row: dict[str, Any] = {f"{name}_{key}": value for key, value in shown.items()}
    if name == "theirs":
        row["theirs_persons"] = persons
        words += f"; {persons} persons or more"
    evidence = {f"{name}_p": p, f"{name}_evidence": f"{words}; {p_value(p)}"}
    return row | evidence | {f"{name}_verdict": found.part_verdict(claim, item)[0]}


def _computed(part: ClaimPart, mechanism: Mapping[str, Any]) -> dict[str, Any]:
    """A part that follows from the architecture, or from timing two ways of computing the same."""
    found = mechanism[part.computed]
    verdict = verdicts.computed_verdict(part, found)
    return _about(part, part.computed, f"{part.computed.replace('_', ' ')} {part.bounds}") | {
        "theirs_verdict": NO_NUMBERS,
        "paper_verdict": NO_NUMBERS,
        "verdict": verdict,
        "judged": verdict,
        "effect": found["value"],
        "low": found["low"],
        "high": found["high"],
        "test": "computed",
        "evidence": f"{number(found['value'], 'ratio')}: {found['how']}",
    }


def _all_of(judged: list[str]) -> str:
    """The verdict on a claim whose parts have no p-values."""
    known = set(judged) - {NOT_RUN}
    if not known:
        return NOT_RUN
    if verdicts.FAILS in known:
        return verdicts.FAILS
    return verdicts.HOLDS if set(judged) == {verdicts.HOLDS} else UNDECIDED


def _limited(verdict: str, variants: Collection[str], about: About) -> str:
    """Under other conditions, a verdict is on these networks only."""
    elsewhere = not set(variants).isdisjoint(about.elsewhere)
    return ON_THESE_NETWORKS if elsewhere and verdict != NOT_RUN else verdict


def _found(item: Comparison, judgement: Judgement) -> tuple[dict[str, float], int, float, str]:
    """A comparison's effect with its interval, number of seeds or persons, p-value, and words."""
    finding = judgement.findings[item]
    effects, index = finding.effects, finding.index
    low, high = effects.interval
    plain, unit, sign, name = math.exp, "ratio", "", "times"
    if item.quantity == ACCURACY:
        plain, unit, sign, name = float, "points", "+", "points"
    values = {"effect": effects.value, "low": low, "high": high}
    shown = {key: plain(value[index]) for key, value in values.items()}
    low_to_high = interval(shown["low"], shown["high"], unit, sign)
    words = f"{number(shown['effect'], unit, sign)} {name} ({low_to_high})"
    return shown, int(effects.seeds[index]), finding.evidence.p, words
