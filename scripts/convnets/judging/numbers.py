"""Each published number against ours and against other people's: comparison.csv.

docs/judging.md explains the verdicts, docs/results.md the columns.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from convnets.core.tables import read_table
from convnets.judging import conditions, estimates
from convnets.judging.estimates import ACCURACY, ALPHA, ASSUMED, OF_BEST, Estimates, on_scale
from convnets.judging.others import Prior
from convnets.judging.published import REFERENCE, distinct_numbers, read_published, rounding
from convnets.judging.verdicts import NOT_RUN, holm
from convnets.judging.witnesses import OTHER_IMAGES, own_interval, spreads_of
from convnets.runs.metrics import RUNTIMES, runs_of, runtimes_measured

MARGIN = {
    ACCURACY: 0.015,
    "best_epoch": math.log(2),
    "epoch_seconds": math.log(1.5),
    "seconds_to_best": math.log(2),
}
"""Largest difference that counts as the same: 1.5 points of accuracy, a factor of 2 in best epochs
and runtimes until then, a factor of 1.5 in the runtime of an epoch. Chosen by this project."""
REPRODUCED, COMPATIBLE, DIFFERS = "reproduced", "compatible", "differs"
NOT_COMPARABLE = "not comparable"
VERDICTS = (REPRODUCED, COMPATIBLE, DIFFERS, NOT_COMPARABLE, "reference", NOT_RUN)
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
    paper, keys = distinct_numbers(published), ["variant", "metric"]
    ours = [row for metric in paper for row in _ours(metric, paper, runs, provenance)]
    tested = [row for row in ours if "verdict" not in row]
    p, reproduced = (np.array([row[key] for row in tested]) for key in ("p", "reproduced"))
    for row, word, corrected in zip(tested, *verdicts(p, reproduced), strict=True):
        row |= {"verdict": word, "p_holm": corrected}
        if word == DIFFERS and row["metric"] in RUNTIMES and conditions.other_hardware(runs):
            factor = row["ours_relative"] / row["paper_relative"]
            reason = f"{factor:.2g} times the paper's ratio, on another kind of machine"
            row |= {"verdict": NOT_COMPARABLE, "reason": reason}
    theirs = pd.concat([_theirs(metric, numbers, prior) for metric, numbers in paper.items()])
    theirs["theirs_verdict"], _ = verdicts(theirs["p"].to_numpy(), theirs["reproduced"].to_numpy())
    table = published[["table", "row", "unit", *keys]]
    table = table.merge(pd.DataFrame(ours), "left", keys).merge(theirs, "left", keys)
    whole = dict.fromkeys(("seeds", "theirs_runs", "theirs_persons"), "Int64")
    return table.reindex(columns=COLUMNS).astype(whole)


def gaps_to_paper(
    quantity: str,
    values: np.ndarray,
    paper: np.ndarray,
    unit: float,
    images: int,
    one_run: float = 0.0,
) -> pd.DataFrame:
    """The gaps between our means and the paper's single runs, one for each variant.

    `values` (variants, seeds) are accuracies or logarithms, of runtimes over an epoch of the
    reference; `paper` has the published numbers, `unit` the published epoch of the reference, and
    `images` is the number of our test images. The paper's run has the variance of one of ours, and
    `one_run` at least.
    """
    ours = estimates.estimate(values, np.eye(len(paper)), estimates.learn_spread(values, quantity))
    of_seeds = ours.of_seeds + np.maximum(ours.of_seeds * ours.seeds, one_run)
    of_images, of_digits = np.zeros(len(paper)), rounding(quantity, paper)
    if quantity == ACCURACY:
        of_images = ours.value * (1 - ours.value) / images
        of_images += paper * (1 - paper) / conditions.PAPER_IMAGES["test"]
    elif quantity in RUNTIMES:
        sides = [(paper + side) / (unit - side) * unit / paper for side in (-0.5, 0.5)]
        of_digits = np.abs(np.log(sides)).max(axis=0)
    value = ours.value - on_scale(quantity, paper / unit)
    effects = replace(ours, value=value, of_seeds=of_seeds, of_images=of_images)
    return _gaps(effects, of_digits, quantity)


def verdicts(p: np.ndarray, reproduced: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The verdict on each of a family of numbers, and its p-value after Holm's correction."""
    corrected = holm(p)
    words = [
        REPRODUCED if same else DIFFERS if value < ALPHA else COMPATIBLE
        for same, value in zip(reproduced, corrected, strict=True)
    ]
    return words, corrected


def read_comparison(path: Path) -> pd.DataFrame:
    """`comparison.csv`. Raises `UserError` if it is damaged."""
    numbers = [name for name in COLUMNS if name.endswith(("_low", "_high", "_relative"))]
    unique = ("table", "row", "metric")
    return read_table(
        path,
        remedy="make it again with judge.py",
        columns=COLUMNS,
        numbers=[*numbers, "table", "paper", "ours", "seeds", "difference", "theirs"],
        filled=[*COLUMNS[:6], "seeds", "verdict", "reason"],
        unique=unique,
        words={"verdict": VERDICTS, "theirs_verdict": VERDICTS},
        rows=read_published()[[*unique]],
    )


def agreement(comparison: pd.DataFrame) -> pd.DataFrame:
    """Agreement of the paper's accuracies with ours and theirs as a whole, one row for each.

    `mean_gap`, `low` and `high` are the mean of ours (theirs) minus the paper's with its 95 %
    interval, whose error has the gaps' own spread and, for ours, what two sets of test images have
    in common for all networks. `rank_correlation` is Spearman's, with `rank_low` and `rank_high`
    (Bonett and Wright 2000).
    """
    table = comparison[comparison["metric"] == ACCURACY].drop_duplicates("variant")
    rows = []
    for source, verdict in (("ours", "verdict"), ("theirs", "theirs_verdict")):
        known = table[table[source].notna() & ~table[verdict].isin([NOT_RUN, NOT_COMPARABLE])]
        number = len(known)
        if number < 4:
            continue
        gaps, paper = known[source] - known["paper"], known["paper"].mean()
        shared = 2 * OTHER_IMAGES * paper * (1 - paper) / conditions.PAPER_IMAGES["test"]
        error = math.sqrt(gaps.var(ddof=1) / number + (shared if source == "ours" else 0))
        ends = stats.t.interval(1 - ALPHA, number - 1, gaps.mean(), error)
        ranks = stats.spearmanr(known["paper"], known[source]).statistic
        middle = math.atanh(np.clip(ranks, -0.999, 0.999))
        error = math.sqrt((1 + ranks**2 / 2) / (number - 3))
        of_ranks = np.tanh(stats.norm.interval(1 - ALPHA, middle, error))
        rows.append((source, number, gaps.mean(), *ends, ranks, *of_ranks))
    columns = ["witness", "numbers", "mean_gap", "low", "high"]
    columns += ["rank_correlation", "rank_low", "rank_high"]
    return pd.DataFrame(rows, columns=columns)


def _gaps(effects: Estimates, of_digits: np.ndarray, quantity: str) -> pd.DataFrame:
    """Differences from published numbers with their 95 % intervals; logarithms unless accuracies.

    `of_digits` is the largest error of the published numbers from rounding. `p` is two-sided, and
    `reproduced` says whether all of the interval is inside the margin.
    """
    value, error, reach = effects.value, effects.error, effects.reach + of_digits
    distance = np.maximum(np.abs(value) - of_digits, 0)
    p = 2 * special.stdtr(effects.total_df, -distance / error)
    table = pd.DataFrame({"value": value, "error": error, "p": p})
    table = table.assign(low=value - reach, high=value + reach)
    inside = (table["low"] > -MARGIN[quantity]) & (table["high"] < MARGIN[quantity])
    return table.assign(reproduced=inside)


def _ours(
    metric: str, published: dict[str, pd.Series], runs: pd.DataFrame, provenance: dict[str, Any]
) -> Iterator[NumberRow]:
    """The rows of a metric; those that can be judged have `p` in place of a verdict."""
    numbers, unit = published[metric], 1.0
    values = estimates.replicates(runs, metric, [*numbers.index])
    if metric in RUNTIMES:
        unit = published["epoch_seconds"][REFERENCE]
        repeated = estimates.replicates if metric == "epoch_seconds" else estimates.by_seed
        values = values - repeated(runs, "epoch_seconds", [REFERENCE])
    spread, images = spreads_of(runs)[metric], int(runs["test_images"].min())
    in_rounds = metric == "epoch_seconds" and runtimes_measured(runs)
    one_run = 2 * ASSUMED[metric] ** 2 if in_rounds else 0.0  # the paper's were not side by side
    gaps = gaps_to_paper(metric, values, numbers.to_numpy(float), unit, images, one_run)
    for (variant, paper), gap in zip(numbers.items(), gaps.to_dict("records"), strict=True):
        mine = runs_of(runs, str(variant))
        row = {"variant": variant, "metric": metric, "paper": paper, "seeds": len(mine)}
        if metric in RUNTIMES:
            row |= {"relative_to": REFERENCE, "paper_relative": paper / unit}
        if mine.empty:
            yield row | {"verdict": NOT_RUN, "reason": "this variant has no finished run"}
            continue
        low, high = own_interval(metric, mine, spread)
        row |= {"ours": mine[metric].mean(), "ours_low": low, "ours_high": high}
        row["at_least"] = metric in OF_BEST and variant in conditions.censored(mine)
        row["conditions"] = "; ".join(conditions.deviations(provenance, mine))
        row |= _shown(row, gap) | {"level": conditions.level(provenance, mine)}
        yield row | _result(row, gap, in_rounds)


def _shown(row: NumberRow, gap: dict[Any, Any]) -> NumberRow:
    """Ours against the paper's as a reader sees it: a difference, or multiples of the reference."""
    paper, low, high = row["paper"], gap["low"], gap["high"]
    if row["metric"] in RUNTIMES:
        names = ("ours_relative", "relative_low", "relative_high")
        factors = np.exp([gap["value"], low, high]) * row["paper_relative"]
        return dict(zip(names, factors.tolist(), strict=True))
    if row["metric"] != ACCURACY:
        low, high = paper * math.expm1(low), paper * math.expm1(high)
    return {"difference": row["ours"] - paper, "difference_low": low, "difference_high": high}


def _result(row: NumberRow, gap: dict[Any, Any], in_rounds: bool) -> NumberRow:
    """Verdict and reason where a number cannot be judged, else what the verdict follows from."""
    if (row["variant"], row["metric"]) == (REFERENCE, "epoch_seconds"):
        return {"verdict": "reference", "reason": "all runtimes are multiples of this one"}
    if row["at_least"]:
        reason = "cut short at or near the best epoch, which is therefore unknown"
        return {"verdict": NOT_COMPARABLE, "reason": reason}
    if np.isnan(row["ours"]):
        reason = "the runtime of this variant was not measured with the others"
        return {"verdict": NOT_COMPARABLE, "reason": reason}
    if np.isnan(gap["value"]):
        reason = f"{REFERENCE}, the reference, has no finished run with the same seed"
        return {"verdict": NOT_COMPARABLE, "reason": reason}
    if row["level"] == conditions.OTHER:
        return {"verdict": NOT_COMPARABLE, "reason": "other conditions than the paper's"}
    basis = f"{row['seeds']} seeds"
    if in_rounds:
        basis = "rounds measured side by side, and an assumed one of the paper's run"
    elif row["seeds"] == 1:
        basis = "one seed as learnt from other variants, or assumed"
    reason = f"95 % interval with the spread of {basis}"
    return {"p": gap["p"], "reproduced": gap["reproduced"], "reason": reason}


def _theirs(metric: str, numbers: pd.Series, prior: Prior) -> pd.DataFrame:
    """The paper's numbers against the distribution of other people's."""
    model = prior.models[metric]
    covered = [variant for variant in numbers.index if variant in model.means.index]
    paper, means = numbers[covered].to_numpy(float), model.means[covered].to_numpy()
    df, nothing = np.full(len(covered), model.df), np.zeros(len(covered))
    one_run = np.diag(model.covariance.loc[covered, covered]) + model.variance
    effects = Estimates(means - on_scale(metric, paper), one_run, df, nothing, nothing)
    bounds = [means, means - effects.reach, means + effects.reach]
    shown = dict(zip(("theirs", "theirs_low", "theirs_high"), bounds, strict=True))
    table = pd.DataFrame(shown if metric == ACCURACY else np.exp(pd.DataFrame(shown)))
    counted = prior.counts(metric).reindex(covered, fill_value=0).add_prefix("theirs_")
    about = counted.rename_axis("variant").reset_index().assign(metric=metric)
    gaps = _gaps(effects, rounding(metric, paper), metric)[["p", "reproduced"]]
    return pd.concat([about, table, gaps], axis=1)
