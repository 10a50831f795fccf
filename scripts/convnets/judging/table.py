"""claims.csv: a row for each comparison of each claim, with verdict and evidence."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from convnets.conditions import PAPER_EPOCHS
from convnets.judging.claims import ACCURACY, MINUS, Claim, Comparison, Part, comparisons
from convnets.judging.effect import Effect
from convnets.judging.paired import accuracy_effect, shared_seeds
from convnets.judging.paper import PaperSays, paper_says
from convnets.judging.planning import MOST_SEEDS, seeds_to_decide
from convnets.judging.runtime import ratio_effect
from convnets.judging.sweep import Sweep
from convnets.judging.verdict import (
    FAILS,
    HOLDS,
    NOT_RUN,
    UNDECIDABLE,
    Evidence,
    combine,
    judge,
    weigh,
)

COLUMNS = [
    *("claim", "section", "sentence", "claim_verdict", "part", "quantity", "claimed", "ours"),
    *("verdict", "evidence", "effect", "low", "high", "unit", "test", "p", "p_holm", "seeds"),
    *("seeds_to_decide", "paper_effect", "paper_low", "paper_high", "paper_verdict"),
    *("paper_evidence", "conditions"),
]
Row = dict[str, Any]


def judge_claims(
    claims: Sequence[Claim],
    sweep: Sweep,
    published: pd.DataFrame,
    mechanism: Mapping[str, Any],
    conditions: str,
) -> pd.DataFrame:
    """All claims judged: one family of comparisons for Holm's correction.

    `effect`, `low` and `high` are fractions for accuracies, and factors for epochs and runtimes.
    `conditions` says where the runs are not the paper's; it stands in every row, as every
    verdict is on these runs.
    """
    everything = list(itertools.chain.from_iterable(map(comparisons, claims)))
    tested = [item for item in everything if not _obstacle(item, sweep)]
    effects = {id(item): _effect(item, sweep) for item in tested}
    evidence = [weigh(effects[id(item)], item.region) for item in tested]
    results = dict(zip(map(id, tested), zip(evidence, judge(evidence), strict=True), strict=True))
    rows: list[Row] = []
    for claim in claims:
        parts = [
            _paper_columns(paper_says(published, item), item)
            | (
                _judged(item, effects[id(item)], *results[id(item)], family=len(tested))
                if id(item) in effects
                else _about(item) | _obstacle(item, sweep)
            )
            for item in everything
            if item.claim is claim
        ]
        parts += [_computed(part, mechanism) for part in claim.parts if part.computed]
        verdict = combine([part["verdict"] for part in parts])
        about = {"claim": claim.id, "section": claim.section, "sentence": claim.sentence}
        rows += [
            part | about | {"claim_verdict": verdict, "part": number}
            for number, part in enumerate(parts, start=1)
        ]
    table = pd.DataFrame(rows, columns=COLUMNS).assign(conditions=conditions)
    return table.astype({"seeds": "Int64", "seeds_to_decide": "Int64"})


def _obstacle(comparison: Comparison, sweep: Sweep) -> Row:
    """Verdict and reason where a comparison cannot be tested; empty where it can."""
    variants = list(comparison.weights)
    missing = [variant for variant in variants if variant not in sweep.right]
    if missing:
        return {"verdict": NOT_RUN, "evidence": f"no finished run of {', '.join(missing)}"}
    seeds = shared_seeds(sweep.right, variants)
    if not seeds:
        return {"verdict": NOT_RUN, "evidence": f"{', '.join(variants)} have no seed in common"}
    courses = sweep.courses
    cut = [name for name in variants if any(courses[name][seed].is_cut_short for seed in seeds)]
    if cut and comparison.part.quantity in ("best_epoch", "seconds_to_best"):
        reason = f"best at or near the last epoch, fewer than the paper's {PAPER_EPOCHS}: "
        reason += ", ".join(cut)
        return {"verdict": UNDECIDABLE, "evidence": reason}
    return {}


def _effect(comparison: Comparison, sweep: Sweep) -> Effect:
    quantity = comparison.part.quantity
    if quantity == ACCURACY:
        effect = accuracy_effect(sweep.right, comparison.weights)
    else:
        effect = ratio_effect(sweep.courses, quantity, comparison.weights)
    spread = sweep.seed_spread(quantity)
    if effect.over_seeds or spread is None:
        return effect
    return effect.over_other_seeds(spread, comparison.weights.values())


def _judged(
    comparison: Comparison,
    effect: Effect,
    evidence: Evidence,
    result: tuple[str, float],
    family: int,
) -> Row:
    """A part with its verdict, as one of a `family` of comparisons."""
    verdict, p_holm = result
    quantity = comparison.part.quantity
    low, high = effect.interval
    test = effect.test_against(comparison.region.nearest(effect.value))
    shown = _about(comparison) | {
        "verdict": verdict,
        "effect": _plain(effect.value, quantity),
        "low": _plain(low, quantity),
        "high": _plain(high, quantity),
        "test": test,
        "p": evidence.p,
        "p_holm": p_holm,
        "seeds": effect.seeds,
    }
    words = f"{_interval(shown)}; {test}, {_p(evidence.p)}, after Holm {_p(p_holm)}"
    if effect.over_seeds is None:
        words += "; one seed: on these trained networks only"
    if verdict == UNDECIDABLE or effect.over_seeds is None:
        weights = comparison.weights
        seeds = seeds_to_decide(effect, comparison.region, quantity, weights, family)
        shown["seeds_to_decide"] = seeds
        number = f"{seeds} seeds" if seeds else f"not even {MOST_SEEDS} seeds"
        words += f"; if the effect stays, {number} would decide it for all seeds"
    return shown | {"evidence": words}


def _about(comparison: Comparison) -> Row:
    part = comparison.part
    unit = "fraction" if part.quantity == ACCURACY else "ratio"
    return {
        "quantity": part.quantity,
        "claimed": comparison.text,
        "ours": part.ours,
        "unit": unit,
    }


def _computed(part: Part, mechanism: Mapping[str, Any]) -> Row:
    """A part that follows from the architecture, or from timing two ways of computing the same."""
    row: Row = {
        "quantity": part.computed,
        "claimed": f"{part.computed.replace('_', ' ')} {part.bounds}",
        "ours": part.ours,
        "paper_verdict": "no numbers",
    }
    found = mechanism[part.computed]
    value, low, high = found["value"], found["low"], found["high"]
    if part.equals is not None:
        verdict = HOLDS if low == high == part.equals else FAILS
    elif low > part.above and high < part.below:
        verdict = HOLDS
    else:
        verdict = FAILS if high < part.above or low > part.below else UNDECIDABLE
    numbers = {"effect": value, "low": low, "high": high, "test": "computed"}
    evidence = f"{value:.4g}: {found['how']}"
    return row | numbers | {"verdict": verdict, "evidence": evidence}


def _paper_columns(says: PaperSays, comparison: Comparison) -> Row:
    quantity = comparison.part.quantity
    row: Row = {
        "paper_verdict": says.verdict,
        "paper_effect": _plain(says.value, quantity),
        "paper_low": _plain(says.low, quantity),
        "paper_high": _plain(says.high, quantity),
        "unit": "fraction" if quantity == ACCURACY else "ratio",
    }
    if math.isnan(says.value):
        return row | {"paper_evidence": "the paper gives no numbers for this"}
    words = _interval(row, "paper_effect", "paper_low", "paper_high")
    if quantity != ACCURACY:
        words += "; rounding only, since single runs have no known error"
    elif says.verdict == UNDECIDABLE and says.correlation < 1:
        words += f"; resolved if the networks' errors correlate by {says.correlation:.2f} or more"
    elif says.verdict == UNDECIDABLE and says.correlation >= 1:
        words += "; within the rounding, no test set resolves it"
    return row | {"paper_evidence": words}


def _p(value: float) -> str:
    return "p < 0.0001" if value < 1e-4 else f"p = {value:.2g}"


def _plain(value: float, quantity: str) -> float:
    """Logarithms of ratios become factors."""
    return value if quantity == ACCURACY else math.exp(value)


def _interval(row: Row, *keys: str) -> str:
    """An effect with its interval in words: points of accuracy, or factors."""
    effect, low, high = (row[key] for key in keys or ("effect", "low", "high"))
    if row["unit"] == "fraction":
        text = f"{100 * effect:+.2f} points ({100 * low:+.2f} to {100 * high:+.2f})"
        return text.replace("-", MINUS)
    return f"{effect:.3g} times ({low:.3g} to {high:.3g})"
