"""Ten numbers and five claims of a small sweep, computed again with nothing but SciPy."""

import math
from pathlib import Path
from statistics import mean, variance
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis_fixture import OFFICIAL, make_run
from convnets.architectures.variant import Variant
from convnets.judging.claims import load_claims
from convnets.judging.numbers import compare
from convnets.judging.others import read_prior
from convnets.judging.published import read_published
from convnets.judging.table import judge_all
from convnets.judging.witnesses import read_correct
from convnets.runs.metrics import collect, read_runs

ROOT = Path(__file__).parents[2]
IMAGES = 4000
SEEDS = 3
TRUTH = {  # accuracy, best epoch
    "fully_connected": (0.816, 17),
    "no_pooling": (0.883, 38),
    "stride_2": (0.877, 9),
    "stride_3": (0.860, 13),
    "stride_4": (0.840, 16),
    "dilation_plus2": (0.883, 9),
    "max_pool_2": (0.890, 12),
    "avg_pool_2": (0.881, 28),
}
PUBLISHED = {
    "fully_connected": (0.816, 17), "no_pooling": (0.883, 38), "stride_2": (0.877, 9),
    "dilation_plus2": (0.883, 9), "max_pool_2": (0.880, 12), "avg_pool_2": (0.881, 28),
}  # fmt: skip
ASSUMED_DF, ASSUMED_INEQUALITY = 8, 0.25


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The judge's tables, and the same runs as plain lists."""
    folder, rng = tmp_path_factory.mktemp("sweep"), np.random.default_rng(5)
    difficulty = rng.random(IMAGES)
    right: dict[str, list[np.ndarray]] = {}
    epochs: dict[str, list[int]] = {}
    for name, (accuracy, epoch) in TRUTH.items():
        for seed in range(SEEDS):
            noise = 0.05 * rng.standard_normal(IMAGES) + 0.003 * rng.standard_normal()
            correct = difficulty + noise < accuracy
            best = max(1, round(epoch * math.exp(0.2 * rng.standard_normal())))
            curve = [0.9 if number == best else 0.8 for number in range(1, 101)]
            share = float(correct.mean())
            run = make_run(
                folder, Variant(name, "stride"), curve, seed=seed, test_accuracy=share,
                test_images=IMAGES,
            )  # fmt: skip
            label = np.ones(IMAGES, np.uint8)
            index = np.arange(IMAGES)
            np.savez(run / "predictions.npz", index=index, label=label, prediction=correct * label)
            right.setdefault(name, []).append(correct)
            epochs.setdefault(name, []).append(best)
    folders = sorted(folder.glob("*/seed_*"))
    collect(folders).to_csv(folder / "metrics.csv", index=False)
    runs = read_runs(folder / "metrics.csv")
    published = read_published(ROOT / "config/published_values.csv")
    prior, claims = read_prior(ROOT / "config/prior"), load_claims(ROOT / "config/claims.yaml")
    made_up = {"value": 1.0, "low": 1.0, "high": 1.0, "how": "made up"}
    computed = [part.computed for claim in claims for part in claim.parts]
    measures, correct = dict.fromkeys(computed, made_up), read_correct(folders)
    return {
        "comparison": compare(published, runs, OFFICIAL, prior),
        "claims": judge_all(claims, runs, correct, published, prior, measures, OFFICIAL),
        "right": right,
        "epochs": epochs,
    }


def spread(groups: list[list[float]], assumed: float) -> tuple[float, float, float]:
    """Pooled variance with the assumption, its degrees of freedom, and the inequality."""
    df = sum(len(group) - 1 for group in groups)
    middle = sum((len(g) - 1) * variance(g) for g in groups) / df
    squares = sum((len(g) - 1) * variance(g) ** 2 / (1 + 2 / (len(g) - 1)) for g in groups) / df
    observed = max(squares / middle**2 - 1, 0)
    total = df + ASSUMED_DF
    inequality = (df * observed + ASSUMED_DF * ASSUMED_INEQUALITY) / total
    return (df * middle + ASSUMED_DF * assumed**2) / total, total, inequality


def moderated(
    values: list[float], prior: tuple[float, float, float], weights: list[float]
) -> tuple[float, float]:
    """The variance of one seed's weighted sum, and its degrees of freedom."""
    pooled, total, inequality = prior
    share = sum(w**4 for w in weights) / sum(w**2 for w in weights) ** 2
    df = 1 / (1 / (4 + 2 / (inequality * share)) + 1 / total)
    own = len(values) - 1
    estimate = df * pooled * sum(w**2 for w in weights) + own * variance(values)
    return estimate / (df + own), df + own


def number_by_hand(
    values: list[float], paper: float, prior: tuple[float, float, float], images: float
) -> tuple[float, float, float]:
    """Difference, standard error with one more run, and degrees of freedom."""
    one, df = moderated(values, prior, [1.0])
    seeds = one * (1 + 1 / len(values))
    return mean(values) - paper, math.sqrt(seeds + images), df * ((seeds + images) / seeds) ** 2


def test_ten_numbers(sweep: dict[str, Any]) -> None:
    accuracies = {name: [float(c.mean()) for c in runs] for name, runs in sweep["right"].items()}
    logs = {name: [math.log(e) for e in runs] for name, runs in sweep["epochs"].items()}
    of_accuracy = spread(list(accuracies.values()), 0.003)
    of_epoch = spread([logs[name] for name in PUBLISHED], 0.3)
    table = sweep["comparison"].drop_duplicates(["variant", "metric"])
    table = table.set_index(["variant", "metric"])
    for name, (paper, epoch) in PUBLISHED.items():
        p = mean(accuracies[name])
        images = p * (1 - p) / IMAGES + paper * (1 - paper) / 15_800
        value, error, df = number_by_hand(accuracies[name], paper, of_accuracy, images)
        reach = stats.t.ppf(0.975, df) * error + 0.0005
        row = table.loc[name, "test_accuracy"]
        assert row["difference"] == pytest.approx(value)
        assert row["difference_low"] == pytest.approx(value - reach)
        assert row["difference_high"] == pytest.approx(value + reach)
        inside = value - reach > -0.015 and value + reach < 0.015
        assert (row["verdict"] == "reproduced") == inside
        value, error, df = number_by_hand(logs[name], math.log(epoch), of_epoch, 0)
        row = table.loc[name, "best_epoch"]
        high = epoch * math.expm1(value + stats.t.ppf(0.975, df) * error)
        assert row["difference_high"] == pytest.approx(high)


def effect_by_hand(sweep: dict[str, Any], first: str, second: str) -> tuple[float, float, float]:
    """Difference of accuracies, standard error and degrees of freedom."""
    right = {name: np.array(runs, float) for name, runs in sweep["right"].items()}
    prior = spread([list(runs.mean(axis=1)) for runs in right.values()], 0.003)
    by_seed = list(right[first].mean(axis=1) - right[second].mean(axis=1))
    one, df = moderated(by_seed, prior, [1.0, -1.0])
    seeds = one / SEEDS
    per_image = right[first].mean(axis=0) - right[second].mean(axis=0)
    within = sum(right[name].var(axis=0, ddof=1).mean() / SEEDS for name in (first, second))
    images = max((per_image.var(ddof=1) - within) / IMAGES, 0)
    total = seeds + images
    return mean(by_seed), math.sqrt(total), df * (total / seeds) ** 2


def test_five_claims(sweep: dict[str, Any]) -> None:
    table: pd.DataFrame = sweep["claims"]
    rows = table.drop_duplicates("claim").set_index("claim")

    def above(first: str, second: str, bound: float) -> float:
        value, error, df = effect_by_hand(sweep, first, second)
        return float(stats.t.sf((value - bound) / error, df))

    cnns = ["no_pooling", "stride_2", "dilation_plus2", "max_pool_2", "avg_pool_2"]
    support = {
        1: max(above(name, "fully_connected", 0.02) for name in cnns),
        2: max(
            above("no_pooling", "dilation_plus2", -0.005),
            above("dilation_plus2", "no_pooling", -0.005),
        ),
        5: max(above("stride_2", "stride_4", 0), above("stride_3", "stride_4", 0)),
        6: max(above(name, "stride_2", 0) for name in ("max_pool_2", "avg_pool_2")),
    }
    refute = 2 * min(1 - above(name, "stride_2", 0) for name in ("max_pool_2", "avg_pool_2"))
    for claim, p in support.items():
        if rows.loc[claim, "lean"] == "for":
            assert rows.loc[claim, "lean_p"] == pytest.approx(p, rel=1e-6, abs=1e-18)
    assert rows.loc[6, "lean_p"] == pytest.approx(min(support[6], refute), rel=1e-6)
    logs = {name: [math.log(2 * e) for e in runs] for name, runs in sweep["epochs"].items()}
    ratios = [d - n for d, n in zip(logs["dilation_plus2"], logs["no_pooling"], strict=True)]
    one, df = moderated(ratios, spread(list(logs.values()), 0.3), [1.0, -1.0])
    p = stats.t.cdf((mean(ratios) - math.log(0.5)) / math.sqrt(one / SEEDS), df)
    assert rows.loc[3, "lean_p"] == pytest.approx(p, rel=1e-6)
    tested = table[table["lean_p"].notna()].drop_duplicates("claim")
    ordered = tested.sort_values("lean_p")["lean_p"].to_numpy()
    rejected = 0  # Holm, step by step
    while rejected < len(ordered) and ordered[rejected] * (len(ordered) - rejected) < 0.05:
        rejected += 1
    assert (tested["claim_verdict"] != "undecided").sum() == rejected
    assert rows.loc[[1, 5], "claim_verdict"].tolist() == ["holds", "holds"]
