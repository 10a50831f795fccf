"""claims.csv: a row for each part of each claim, with the verdicts of all witnesses.

docs/results.md explains the columns.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from convnets.core.formats import interval, number, p_value
from convnets.core.tables import WORDS, read_table
from convnets.judging import verdicts
from convnets.judging.claims import Claim, ClaimPart, Comparison, Family, load_claims
from convnets.judging.conditions import OTHER, censored, deviations, level, other_hardware
from convnets.judging.estimates import ACCURACY, MOST_SEEDS, OF_BEST
from convnets.judging.numbers import compare
from convnets.judging.others import Prior, other_peoples_runs, read_prior
from convnets.judging.published import read_published
from convnets.judging.readings import judge_readings, read_paper
from convnets.judging.verdicts import FAILS, NOT_RUN, ON_THESE_NETWORKS, UNDECIDED, Judgement
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
VERDICTS = (verdicts.HOLDS, FAILS, UNDECIDED, ON_THESE_NETWORKS, NOT_RUN, NO_NUMBERS)


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
        "readings": judge_readings(read_paper().readings, published, runs, provenance),
    }


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
    family = Family(claims)
    sample = our_runs(runs, correct, family.variants)
    ours = verdicts.judge(family, sample.estimates, RUNTIMES if other_hardware(runs) else ())
    theirs = verdicts.judge(family, other_peoples_runs(prior, family.variants, sample))
    paper = verdicts.judge(family, papers_numbers(published, family.variants, sample).estimates)
    together, cut = verdicts.both(family, ours, theirs), censored(runs)
    elsewhere = {
        variant for variant, own in runs.groupby("variant") if level(provenance, own) == OTHER
    }

    def limited(verdict: str, variants: Iterable[str]) -> str:
        """Under other conditions, a verdict is on these networks only."""
        kept = verdict == NOT_RUN or elsewhere.isdisjoint(variants)
        return verdict if kept else ON_THESE_NETWORKS

    rows: list[dict[str, Any]] = []
    for claim in claims:
        parts = [
            _ours(claim, part, item, ours, cut)
            | _others(claim, item, theirs, "theirs")
            | _others(claim, item, paper, "paper")
            for item, part in claim.comparisons.items()
        ]
        for row, item in zip(parts, claim.comparisons, strict=True):
            if item in ours.findings:
                row["verdict"] = limited(row["judged"], item.variants)
        parts += [_computed(part, mechanism[part.computed]) for part in claim.computed]
        judged, evidence = ours.verdict(claim), ours.claims.get(claim.id)
        if evidence is None:  # nothing was tested: computed, censored, or really not run
            words = {row["judged"] for row in parts}
            judged = words.pop() if len(words) == 1 else FAILS if FAILS in words else UNDECIDED
        tested = [name for item in claim.comparisons for name in item.variants]
        shared = {key: getattr(claim, key) for key in ("section", "sentence", "quote")}
        shared |= {"claim": claim.id, "judged_claim": judged}
        shared["claim_verdict"] = limited(judged, tested)
        for name, judgement in (("theirs", theirs), ("paper", paper)):
            known = claim.id in judgement.claims
            shared[f"{name}_claim_verdict"] = judgement.verdict(claim) if known else NO_NUMBERS
        if evidence:
            shared |= {"lean": evidence.lean, "lean_p": evidence.p}
            if claim.id in theirs.claims and shared["claim_verdict"] != ON_THESE_NETWORKS:
                shared["combined_verdict"] = together.verdict(claim)
        rows += [row | shared | {"part": number} for number, row in enumerate(parts, 1)]
    conditions = "; ".join(deviations(provenance, runs)) or "as in the paper"
    table = pd.DataFrame(rows).assign(conditions=conditions, level=level(provenance, runs))
    whole = dict.fromkeys(("seeds", "seeds_to_decide", "theirs_persons"), "Int64")
    return table.reindex(columns=COLUMNS).astype(whole)


def read_claims(path: Path) -> pd.DataFrame:
    """`claims.csv`. Raises `UserError` if it is damaged."""
    numbers = [name for name in COLUMNS if name.endswith(("effect", "low", "high"))]
    filled = [name for name in COLUMNS if name.endswith(("verdict", "claim", "claimed"))]
    filled = [*set(filled) - {"combined_verdict"}, "sentence", "quote", "part", "says", "judged"]
    words = [name for name in COLUMNS if "verdict" in name or "judged" in name]
    parts = {claim.id: len(claim.comparisons) + len(claim.computed) for claim in load_claims()}
    rows = [(id, number) for id, last in parts.items() for number in range(1, last + 1)]
    return read_table(
        path,
        remedy="make it again with judge.py",
        columns=COLUMNS,
        numbers=[*numbers, "claim", "part", "above", "below", "p_holm"],
        filled=filled,
        unique=("claim", "part"),
        words=dict.fromkeys(words, VERDICTS),
        rows=pd.DataFrame(rows, columns=["claim", "part"]),
        **WORDS,
    )


def _about(part: ClaimPart, quantity: str, claimed: str) -> dict[str, Any]:
    shared = {key: getattr(part, key) for key in ("ours", "says", "above", "below")}
    return shared | {"quantity": quantity, "claimed": claimed}


def _ours(
    claim: Claim, part: ClaimPart, item: Comparison, ours: Judgement, cut: list[str]
) -> dict[str, Any]:
    """A comparison with our verdict; `cut` are the variants whose best epoch is unknown."""
    of_units = "" if part.at_least is None else f" (for {part.at_least} of {len(part.units)})"
    row = _about(part, part.quantity, item.text + of_units)
    row["unit"] = "fraction" if item.quantity == ACCURACY else "ratio"
    if item not in ours.findings:
        word, reason = NOT_RUN, f"no finished run of one of {', '.join(item.variants)}"
        unknown = [name for name in item.variants if name in cut]
        if unknown and item.quantity in OF_BEST:
            word, reason = UNDECIDED, f"cut short at or near the best epoch: {', '.join(unknown)}"
        return row | {"verdict": word, "judged": word, "evidence": reason}
    row |= _found(claim, item, ours)
    row |= {"judged": row["verdict"], "test": "Student's t, moderated variance"}
    row["evidence"] += f"; {p_value(row['p'])}, corrected {p_value(row['p_holm'])}"
    if row["seeds"] == 1:
        row["evidence"] += "; one seed, with the spread of other variants or an assumed one"
    if row["judged"] == UNDECIDED:
        row["seeds_to_decide"] = needed = ours.seeds_to_decide(claim, item)
        seeds = f"{needed} seeds" if needed else f"more than {MOST_SEEDS} seeds"
        row["evidence"] += f"; if the effect stays, {seeds} would decide it with 80 % power"
    return row


def _others(claim: Claim, item: Comparison, found: Judgement, name: str) -> dict[str, Any]:
    """The verdict of another witness on a comparison, in columns that begin with `name`."""
    row: dict[str, Any] = {"verdict": NO_NUMBERS, "evidence": f"{name} has no numbers for it"}
    if item in found.findings:
        row = _found(claim, item, found)
        row["persons"] = row["seeds"]
        of_persons = f"; {row['persons']} persons or more" if name == "theirs" else ""
        row["evidence"] += f"{of_persons}; {p_value(row['p'])}"
    return {f"{name}_{key}": value for key, value in row.items()}


def _found(claim: Claim, item: Comparison, judgement: Judgement) -> dict[str, Any]:
    """The result of a witness for a comparison; `seeds` are persons for other people's runs."""
    finding = judgement.findings[item]
    effects, index = finding.effects, finding.index
    plain, unit, sign, name = math.exp, "ratio", "", "times"
    if item.quantity == ACCURACY:
        plain, unit, sign, name = float, "points", "+", "points"
    effect, low, high = (plain(end[index]) for end in (effects.value, *effects.interval))
    words = f"{number(effect, unit, sign)} {name} ({interval(low, high, unit, sign)})"
    row = {"effect": effect, "low": low, "high": high, "evidence": words, "p": finding.evidence.p}
    verdict, corrected = judgement.part_verdict(claim, item)
    return row | {"verdict": verdict, "p_holm": corrected, "seeds": int(effects.seeds[index])}


def _computed(part: ClaimPart, measure: Mapping[str, Any]) -> dict[str, Any]:
    """A part that follows from the architecture, or from timing two ways of computing the same."""
    verdict, shown = verdicts.computed_verdict(part, measure), number(measure["value"], "ratio")
    row = {"effect": measure["value"], "low": measure["low"], "high": measure["high"]}
    row |= {"test": "computed", "evidence": f"{shown}: {measure['how']}"}
    row |= {"verdict": verdict, "judged": verdict}
    row |= dict.fromkeys(("theirs_verdict", "paper_verdict"), NO_NUMBERS)
    return row | _about(part, part.computed, f"{part.computed.replace('_', ' ')} {part.bounds}")
