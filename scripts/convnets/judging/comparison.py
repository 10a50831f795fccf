"""Each published number against ours and against other people's: comparison.csv.

`convnets.judging.numbers` has the rules. `at_least` marks best epochs, and runtimes until then, of
trainings that were cut short at or near their best. Columns that begin with `theirs` are about
other people's runs of the same networks (config/prior): the interval says where one more of their
runs would be, and `theirs_verdict` whether the paper's number is there. Their networks were
tested on the paper's images, so image error cancels, and timed on hardware like the paper's, so
seconds are compared as they are.

Numbers under *other* conditions (`conditions.level`) are not comparable. Neither are censored best
epochs, nor runtimes of another kind of machine outside the margin.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from convnets.core.tables import read_table
from convnets.judging.conditions import (
    OTHER,
    PAPER_IMAGES,
    censored,
    deviations,
    level,
    other_hardware,
)
from convnets.judging.estimates import ACCURACY, ALPHA, ASSUMED, OF_BEST, by_seed, replicates
from convnets.judging.numbers import (
    COMPATIBLE,
    DIFFERS,
    MARGIN,
    REFERENCE,
    REPRODUCED,
    Gaps,
    gaps_to_paper,
    own_interval,
    rank_correlation,
    verdicts,
)
from convnets.judging.others import Prior
from convnets.judging.published import distinct_numbers, read_published, rounding
from convnets.judging.verdicts import NOT_RUN
from convnets.judging.witnesses import OTHER_IMAGES, spreads_of
from convnets.runs.metrics import RUNTIMES, runs_of, runtimes_measured

NOT_COMPARABLE = "not comparable"
VERDICTS = (REPRODUCED, COMPATIBLE, DIFFERS, NOT_RUN, NOT_COMPARABLE, "reference")
COLUMNS = [
    *("table", "row", "variant", "metric", "unit", "paper", "ours", "ours_low", "ours_high"),
    *("at_least", "seeds", "difference", "verdict", "reason"),
    *("difference_low", "difference_high", "p_holm"),
    *("relative_to", "paper_relative", "ours_relative", "relative_low", "relative_high"),
    *("theirs", "theirs_low", "theirs_high", "theirs_runs", "theirs_persons", "theirs_verdict"),
    *("conditions", "level"),
]
NumberRow = dict[str, Any]


def compare(
    published: pd.DataFrame, runs: pd.DataFrame, provenance: dict[str, Any], prior: Prior
) -> pd.DataFrame:
    """One row for each published number; `runs` is metrics.csv, `prior` other people's runs."""
    paper = distinct_numbers(published)
    ours: dict[tuple[str, str], NumberRow] = {}
    theirs: dict[tuple[str, str], NumberRow] = {}
    for metric, numbers in paper.items():
        ours |= {(row["variant"], metric): row for row in _ours(metric, paper, runs, provenance)}
        theirs |= {(row["variant"], metric): row for row in _theirs(metric, numbers, prior)}
    for judged, prefix in ((ours, ""), (theirs, "theirs_")):
        tested = [row for row in judged.values() if "verdict" not in row]
        p, same = (np.array([row.pop(key) for row in tested]) for key in ("p", "same"))
        for row, word, corrected in zip(tested, *verdicts(p, same), strict=True):
            row |= {f"{prefix}verdict": word, f"{prefix}p_holm": corrected}
    _compare_hardware(list(ours.values()), runs)
    rows: list[NumberRow] = []
    for cell in published[["table", "row", "variant", "metric", "unit"]].to_dict("records"):
        key = (cell["variant"], cell["metric"])
        rows.append(ours[key] | theirs.get(key, {}) | {str(name): x for name, x in cell.items()})
    whole = dict.fromkeys(("seeds", "theirs_runs", "theirs_persons"), "Int64")
    return pd.DataFrame(rows).reindex(columns=COLUMNS).astype(whole)


def _ours(
    metric: str, published: dict[str, pd.Series], runs: pd.DataFrame, provenance: dict[str, Any]
) -> Iterator[NumberRow]:
    """The rows of a metric; those that can be judged have `p` and `same` in place of a verdict."""
    numbers = published[metric]
    variants, paper = list(numbers.index), numbers.to_numpy(float)
    values, unit = replicates(runs, metric, variants), 1.0
    if metric in RUNTIMES:
        unit = published["epoch_seconds"][REFERENCE]
        repeated = replicates if metric == "epoch_seconds" else by_seed
        values = values - repeated(runs, "epoch_seconds", [REFERENCE])
    spread = spreads_of(runs)[metric]
    images = PAPER_IMAGES["test"] if runs.empty else int(runs["test_images"].min())
    in_rounds = metric == "epoch_seconds" and runtimes_measured(runs)
    one_run = 2 * ASSUMED[metric] ** 2 if in_rounds else 0.0  # the paper's were not side by side
    gaps = gaps_to_paper(metric, values, paper, unit, images, one_run)
    low, high = gaps.interval
    for place, (variant, number) in enumerate(zip(variants, paper, strict=True)):
        mine = runs_of(runs, variant)
        row: NumberRow = {"variant": variant, "metric": metric, "paper": number, "seeds": len(mine)}
        if metric in RUNTIMES:
            row |= {"relative_to": REFERENCE, "paper_relative": number / unit}
        if mine.empty:
            yield row | {"verdict": NOT_RUN, "reason": "this variant has no finished run"}
            continue
        own = own_interval(metric, mine, spread)
        row |= {"ours": mine[metric].mean(), "ours_low": own[0], "ours_high": own[1]}
        row["at_least"] = metric in OF_BEST and variant in censored(mine)
        row |= _shown(metric, row, gaps.value[place], low[place], high[place])
        conditions = level(provenance, mine)
        row |= {"conditions": "; ".join(deviations(provenance, mine)), "level": conditions}
        obstacle = _obstacle(row, conditions, bool(np.isnan(low[place])))
        yield row | (obstacle or _judged(gaps, place, row["seeds"], in_rounds))


def _judged(gaps: Gaps, place: int, seeds: int, in_rounds: bool) -> NumberRow:
    basis = f"{seeds} seeds"
    if in_rounds:
        basis = "rounds measured side by side, and an assumed one of the paper's run"
    elif seeds == 1:
        basis = "one seed as learnt from other variants, or assumed"
    reason = f"95 % interval with the spread of {basis}"
    return {"p": gaps.p[place], "same": gaps.reproduced[place], "reason": reason}


def _obstacle(row: NumberRow, conditions: str, unknown: bool) -> NumberRow:
    """Verdict and reason where a number cannot be judged; empty where it can."""
    if (row["variant"], row["metric"]) == (REFERENCE, "epoch_seconds"):
        return {"verdict": "reference", "reason": "all runtimes are multiples of this one"}
    if row["at_least"]:
        reason = "cut short at or near the best epoch, which is therefore unknown"
        return {"verdict": NOT_COMPARABLE, "reason": reason}
    if unknown:
        reason = f"{REFERENCE}, the reference, has no finished run with the same seed"
        return {"verdict": NOT_RUN, "reason": reason}
    if conditions == OTHER:
        return {"verdict": NOT_COMPARABLE, "reason": "other conditions than the paper's"}
    return {}


def _shown(metric: str, row: NumberRow, value: float, low: float, high: float) -> NumberRow:
    """Ours against the paper's as a reader sees it: a difference, or multiples of the reference."""
    paper = row["paper"]
    if metric in RUNTIMES:
        names = ("ours_relative", "relative_low", "relative_high")
        factors = np.exp([value, low, high]) * row["paper_relative"]
        return dict(zip(names, factors.tolist(), strict=True))
    if metric != ACCURACY:
        low, high = paper * math.expm1(low), paper * math.expm1(high)
    difference = row["ours"] - paper
    return {"difference": difference, "difference_low": low, "difference_high": high}


def _compare_hardware(rows: list[NumberRow], runs: pd.DataFrame) -> None:
    """On another kind of machine, a ratio of runtimes can be reproduced, but not be false."""
    machines = other_hardware(runs)
    for row in rows:
        if row["verdict"] == DIFFERS and row["metric"] in RUNTIMES and machines:
            factor = row["ours_relative"] / row["paper_relative"]
            reason = f"{factor:.2g} times the paper's ratio, on another kind of machine"
            row |= {"verdict": NOT_COMPARABLE, "reason": reason}


def _theirs(metric: str, numbers: pd.Series, prior: Prior) -> Iterator[NumberRow]:
    """The paper's numbers against the distribution of other people's."""
    model, counted = prior.models[metric], prior.counts(metric)
    covered = [variant for variant in numbers.index if variant in model.means.index]
    paper = numbers[covered].to_numpy(float)
    is_accuracy = metric == ACCURACY
    gaps = Gaps(
        model.means[covered].to_numpy() - (paper if is_accuracy else np.log(paper)),
        np.sqrt(np.diag(model.covariance.loc[covered, covered]) + model.variance),
        np.full(len(covered), model.df),
        rounding(metric, paper),
        MARGIN[metric],
    )
    reach = special.stdtrit(gaps.df, 1 - ALPHA / 2) * gaps.error
    for place, variant in enumerate(covered):
        bounds = model.means[variant] + np.array([0, -1, 1]) * reach[place]
        shown = bounds if is_accuracy else np.exp(bounds)
        yield {
            "variant": variant,
            **dict(zip(("theirs", "theirs_low", "theirs_high"), shown.tolist(), strict=True)),
            "theirs_runs": counted["runs"].get(variant, 0),
            "theirs_persons": counted["persons"].get(variant, 0),
            "p": gaps.p[place],
            "same": gaps.reproduced[place],
        }


def read_comparison(path: Path) -> pd.DataFrame:
    """`comparison.csv`. Raises `UserError` if it is damaged."""
    numbers = [name for name in COLUMNS if name.endswith(("_low", "_high", "_relative"))]
    numbers += ["table", "paper", "ours", "seeds", "difference", "theirs"]
    unique = ("table", "row", "metric")
    return read_table(
        path,
        remedy="make it again with judge.py",
        columns=COLUMNS,
        numbers=numbers,
        filled=[*COLUMNS[:6], "seeds", "verdict", "reason"],
        unique=unique,
        words={"verdict": VERDICTS, "theirs_verdict": VERDICTS},
        rows=read_published()[[*unique]],
    )


def agreement(comparison: pd.DataFrame) -> pd.DataFrame:
    """Agreement of the paper's accuracies with ours and theirs as a whole, one row for each.

    `mean_gap`, `low` and `high` are the mean of ours (theirs) minus the paper's with its 95 %
    interval, whose error has the gaps' own spread and, for ours, what two sets of test images have
    in common for all networks. `rank_correlation` is Spearman's, with `rank_low` and `rank_high`.
    """
    table = comparison[comparison["metric"] == ACCURACY].drop_duplicates("variant")
    rows = []
    for source, verdict in (("ours", "verdict"), ("theirs", "theirs_verdict")):
        known = table[table[source].notna() & ~table[verdict].isin([NOT_RUN, NOT_COMPARABLE])]
        if len(known) < 4:
            continue
        gaps, paper = known[source] - known["paper"], known["paper"].mean()
        shared = 2 * OTHER_IMAGES * paper * (1 - paper) / PAPER_IMAGES["test"]
        error = math.sqrt(gaps.var(ddof=1) / len(gaps) + (shared if source == "ours" else 0))
        reach = special.stdtrit(len(gaps) - 1, 1 - ALPHA / 2) * error
        mean = gaps.mean()
        ranks = rank_correlation(known["paper"].to_numpy(), known[source].to_numpy())
        names = ("rank_correlation", "rank_low", "rank_high")
        row = {"witness": source, "numbers": len(known), "mean_gap": mean}
        row |= {"low": mean - reach, "high": mean + reach}
        rows.append(row | dict(zip(names, ranks, strict=True)))
    return pd.DataFrame(rows)
