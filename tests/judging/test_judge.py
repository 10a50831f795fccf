"""The statistics behind verdicts: by hand, against other programs, and on sweeps of known truth."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from benchmarks.judging import CLAIMS, edge_truth, equal_truth, is_true, papers_truth, try_out
from convnets.judging import estimates as spread
from convnets.judging.estimates import (
    ACCURACY,
    ALPHA,
    ASSUMED,
    Estimates,
    Spread,
    estimate,
    image_covariance,
    learn_spread,
)
from convnets.judging.numbers import agreement, gaps_to_paper, verdicts
from convnets.judging.verdicts import (
    FAILS,
    HOLDS,
    UNDECIDED,
    Evidence,
    at_least,
    correction,
    every,
    holm,
    weigh,
)
from convnets.judging.witnesses import own_interval

UNKNOWN = Spread(1e-12, 1e-9)
"""A prior that does not count."""
PAIR = np.array([[1.0, -1.0]])


def one(effects: Estimates) -> Estimates:
    assert len(effects.value) == 1
    return effects


def test_without_a_prior_it_is_students_t_of_paired_seeds() -> None:
    values = np.array([[0.9, 0.8, 0.95, 0.85], [0.7, 0.75, 0.72, 0.71]])
    effects = one(estimate(values, PAIR, UNKNOWN))
    expected = stats.ttest_rel(*values)
    (above,) = weigh(effects, np.zeros(1), np.full(1, np.inf))
    assert above.support == pytest.approx(expected.pvalue / 2, rel=1e-4)
    assert np.ravel(effects.interval) == pytest.approx(expected.confidence_interval(), rel=1e-4)


def test_equivalence_is_two_one_sided_tests() -> None:
    values = np.array([[0.01, -0.02, 0.03, 0.0, 0.01], [0.0] * 5])
    expected, *_ = ttost_paired(*values, -0.1, 0.1)
    (evidence,) = weigh(estimate(values, PAIR, UNKNOWN), np.array([-0.1]), np.array([0.1]))
    assert evidence.support == pytest.approx(expected, rel=1e-3)


def test_the_variance_is_shrunk_towards_the_pooled_one() -> None:
    values = np.array([[0.0, 0.2], [0.0, 0.0]])
    prior = Spread(0.01, 8, inequality=0.25)
    effects = one(estimate(values, PAIR, prior))
    # squares of (0, 0.2): 0.02 with 1 df; prior: 2 variants of 0.01, 4 + 2 / 0.125 and 8 df
    df = 1 / (1 / 20 + 1 / 8)
    assert effects.df[0] == pytest.approx(df + 1)
    assert effects.of_seeds[0] == pytest.approx((df * 0.02 + 0.02) / (df + 1) / 2)


def test_one_seed_has_the_pooled_variance_and_every_seed_counts() -> None:
    values = np.array([[0.9, 0.9, 0.9], [0.8, np.nan, np.nan], [np.nan] * 3])
    prior = Spread(0.01, 1e9, inequality=1e-6)
    weights = np.array([[1.0, -1.0, 0.0], [1.0, 0.0, -1.0]])
    effects = estimate(values, weights, prior)
    assert effects.of_seeds[0] == pytest.approx(0.01 * (1 + 1 / 3), rel=1e-3)
    assert effects.value[0] == pytest.approx(0.1)
    assert np.isfinite(effects.value).tolist() == [True, False]
    assert effects.seeds[0] == 1


def test_the_spread_is_learnt_from_variants_with_several_seeds() -> None:
    assert learn_spread(np.array([[0.8], [0.9]]), ACCURACY).variance == ASSUMED[ACCURACY] ** 2
    rng = np.random.default_rng(0)
    equal = learn_spread(rng.normal(0, 0.1, (500, 3)), ACCURACY)
    assert equal.variance == pytest.approx(0.01, rel=0.1)
    assert equal.inequality < 0.1
    spreads = rng.choice([0.02, 0.14], (500, 1))  # variances 0.0004 and 0.0196: mean 0.01
    unequal = learn_spread(spreads * rng.standard_normal((500, 3)), ACCURACY)
    assert unequal.inequality == pytest.approx(0.0096**2 / 0.01**2, abs=0.25)
    assert unequal.prior_df(PAIR)[0] < equal.prior_df(PAIR)[0]


def test_image_error_is_what_seeds_have_in_common() -> None:
    rng = np.random.default_rng(1)
    share = rng.choice([0.2, 1.0], 200_000)
    several = [rng.random((5, len(share))) < share for _ in range(2)]
    covariance = len(share) * image_covariance([*several, None])
    assert covariance[:2, :2] == pytest.approx(np.full((2, 2), 0.16), abs=0.002)
    assert not covariance[2].any()
    single = len(share) * image_covariance([several[0][:1]])
    assert single[0, 0] == pytest.approx(0.24, abs=0.002)  # p (1 - p): seeds cannot be told apart


def test_partial_conjunctions() -> None:
    units = [Evidence(0.01, 0.99), Evidence(0.04, 0.96), Evidence(0.7, 0.3)]
    assert every(units) == Evidence(0.7, pytest.approx(0.9))
    assert at_least(2, units) == Evidence(pytest.approx(0.08), 1.0)
    assert at_least(1, units) == Evidence(pytest.approx(0.03), 0.99)


def test_holms_correction_is_that_of_statsmodels() -> None:
    p = np.random.default_rng(0).random(20) ** 4
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert holm(np.array([])).tolist() == []


def test_verdicts_on_claims_follow_holm() -> None:
    strong, weak, against = Evidence(0.001, 0.999), Evidence(0.02, 0.98), Evidence(0.99, 0.01)
    assert correction([strong, weak, against]) == 1  # 0.001 x 3, 0.01 x 2, 0.02 x 1
    assert correction([strong, weak, weak]) == 1
    assert correction([Evidence(0.03, 0.97), Evidence(0.04, 0.96)]) == 2
    assert [e.verdict() for e in (strong, weak, against)] == [HOLDS, HOLDS, FAILS]
    assert weak.verdict(3) == UNDECIDED
    assert (weak.lean, against.lean, Evidence(1, 1).lean) == ("for", "against", "")


@pytest.mark.parametrize(
    ("ours", "verdict"), [(0.881, "reproduced"), (0.889, "compatible"), (0.899, "differs")]
)
def test_verdicts_on_numbers(ours: float, verdict: str) -> None:
    values = ours + np.array([[-0.002, -0.001, 0, 0.001, 0.002]])
    gaps = gaps_to_paper(ACCURACY, values, np.array([0.88]), 1.0, 15_800)
    # one more run of the paper, two sets of test images, rounding
    assert gaps.error[0] ** 2 == pytest.approx(
        learn_spread(values, ACCURACY).variance * 1.2 + 2 * 0.88 * 0.12 / 15_800, rel=0.2
    )
    assert verdicts(gaps["p"].to_numpy(), gaps["reproduced"].to_numpy())[0] == [verdict]


def test_an_interval_of_ours_stays_in_its_range() -> None:
    runs = pd.DataFrame({"epoch_seconds": [50.5], ACCURACY: [0.999], "test_images": [1000]})
    low, high = own_interval("epoch_seconds", runs, Spread(0.09, 8))
    assert 0 < low < 50.5 < high
    assert own_interval(ACCURACY, runs, Spread(0.01, 8))[1] == 1


def test_rank_correlation() -> None:
    paper = np.arange(10) / 10
    numbers = {"variant": range(10), "metric": ACCURACY, "verdict": "compatible"}
    numbers |= {"paper": paper, "ours": paper**2, "theirs": np.nan, "theirs_verdict": ""}
    (row,) = agreement(pd.DataFrame(numbers)).to_dict("records")
    assert row["rank_correlation"] == pytest.approx(1)
    assert 0.9 < row["rank_low"] < row["rank_high"] <= 1


def test_seeds_to_decide() -> None:
    # 80 % power at 5 %: the effect must be t(0.95) + t(0.8) standard errors away
    effects = Estimates(*(np.array([x]) for x in (1.0, 1.0, 1e6, 0.0, 1)))
    assert effects.seeds_to_decide(0, 1.0, ALPHA) == math.ceil((1.645 + 0.842) ** 2)
    assert effects.seeds_to_decide(0, 0.01, ALPHA) is None


def test_the_truths_of_the_simulation() -> None:
    paper = papers_truth()
    true = {claim.id for claim in CLAIMS if is_true(paper, claim)}
    assert true >= {1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20}
    assert {claim.id for claim in CLAIMS if is_true(equal_truth(), claim)} == {2, 11}
    edges = edge_truth(np.random.default_rng(0))
    assert sum(is_true(edges, claim) for claim in CLAIMS) < len(CLAIMS) / 2


def test_error_rates_on_synthetic_sweeps() -> None:
    sweeps, seeds = 40, (1, 3, "mixed")
    for make_truth in (lambda rng: equal_truth(), edge_truth):
        counts = try_out(make_truth, sweeps, 1, seeds)
        for number in map(str, seeds):
            false = int(counts["false verdict on any claim", number])
            assert stats.binomtest(false, sweeps).proportion_ci(0.95).low <= ALPHA
            assert counts["any number differs, equal", number] <= 5
            assert counts["accuracy reproduced, 2 points apart", number] / sweeps < 0.025


def test_power_if_the_paper_is_exactly_right() -> None:
    sweeps, seeds = 20, (1, 2, 3, 10)
    counts = try_out(lambda rng: papers_truth(), sweeps, 2, seeds)
    holding = [counts["claims that hold", str(number)] / sweeps for number in seeds]
    assert all(fewer <= more for fewer, more in itertools.pairwise(holding))
    assert holding[2] >= 4
    for id in (1, 4, 11, 20):
        assert counts[f"claim {id} holds", "3"] > sweeps / 2
    assert counts["accuracy reproduced, 0 points apart", "3"] > sweeps / 2


def test_the_simulation_finds_a_judge_that_is_too_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "ASSUMED", dict.fromkeys(ASSUMED, 1e-4))
    counts = try_out(edge_truth, 20, 3, (1,))
    false = int(counts["false verdict on any claim", "1"])
    assert stats.binomtest(false, 20).proportion_ci(0.95).low > ALPHA
