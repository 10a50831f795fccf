"""The statistics behind verdicts: against other programs, by hand, and on sweeps of known truth."""

import dataclasses
import gc
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import ttost_paired

from benchmarks.judging import ALPHA, Scenario, scenarios, try_out
from convnets.judging.effect import Effect, Source
from convnets.judging.numbers import own_interval
from convnets.judging.paired import accuracy_effect, one_seed, several_seeds
from convnets.judging.planning import seeds_to_decide
from convnets.judging.runtime import Course, over_seeds, ratio_effect
from convnets.judging.verdict import (
    FAILS,
    HOLDS,
    NOT_RUN,
    UNDECIDABLE,
    Evidence,
    Region,
    combine,
    judge,
    weigh,
)

SWEEPS = 200
TRIED = [item for item in scenarios() if item.seeds in (1, 3)]
ONE_FOR_ALL = "one seed taken for all seeds"


def outcomes(gains: int, losses: int, ties: int) -> np.ndarray:
    """The difference on each image of two networks."""
    return np.repeat([1.0, -1.0, 0.0], [gains, losses, ties])


def test_one_seed_is_mcnemar() -> None:
    effect = one_seed(outcomes(40, 20, 940))
    expected = mcnemar([[0, 40], [20, 0]], exact=True).pvalue
    assert weigh(effect, Region(0)).p == pytest.approx(expected)
    assert effect.test_against(0) == "McNemar, exact"
    assert effect.test_against(0.01) == "normal, paired by image"


def test_bootstrap_over_images_agrees_with_scipys() -> None:
    values = outcomes(40, 20, 440)
    expected = stats.bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    assert one_seed(values).interval == pytest.approx(expected, abs=0.002)


def test_networks_that_never_differ_decide_nothing() -> None:
    evidence = weigh(one_seed(np.zeros(100)), Region(0))
    assert evidence.p == 1


def test_over_seeds_it_is_students_t() -> None:
    values = np.array([0.3, 0.1, 0.4, 0.2, 0.35])
    effect, expected = over_seeds(values), stats.ttest_1samp(values, 0)
    assert weigh(effect, Region(0)).p == pytest.approx(expected.pvalue)
    assert effect.interval == pytest.approx(expected.confidence_interval())


def test_equality_is_two_one_sided_tests() -> None:
    values = np.array([0.01, -0.02, 0.03, 0.0, 0.01])
    expected, *_ = ttost_paired(values, np.zeros(5), -0.1, 0.1)
    assert weigh(over_seeds(values), Region(-0.1, 0.1)).for_claim == pytest.approx(expected)


def test_seeds_and_images_are_taken_apart() -> None:
    # by hand: means of seeds 2 and 4, of images 1 and 5, no rest: var(seeds) / 2, var(images) / 2
    effect = several_seeds(np.array([[0.0, 4.0], [2.0, 6.0]]))
    assert effect.value == 3
    assert effect.over_seeds == Source(1.0, 1)
    assert effect.fixed == (Source(4.0),)


def test_mean_squares_agree_with_restricted_maximum_likelihood() -> None:
    rng = np.random.default_rng(3)
    seeds, images = 5, 30
    values = (
        rng.normal(0, 1, (seeds, 1)) + rng.normal(0, 2, (1, images)) + rng.normal(0, 1, (5, 30))
    )
    frame = pd.DataFrame({"value": values.ravel(), "all": 1})
    frame["seed"], frame["image"] = (grid.ravel() for grid in np.indices(values.shape))
    parts = {"seed": "0 + C(seed)", "image": "0 + C(image)"}
    fit = MixedLM.from_formula("value ~ 1", frame, groups="all", vc_formula=parts).fit()
    variance = dict(zip(fit.model.exog_vc.names, fit.vcomp, strict=True))
    effect = several_seeds(values)
    assert effect.fixed[0].variance == pytest.approx(variance["image"] / images, rel=1e-3)
    assert effect.over_seeds is not None
    of_seeds = (variance["seed"] + fit.scale / images) / seeds
    assert effect.over_seeds.variance == pytest.approx(of_seeds, rel=1e-3)


def test_seeds_that_only_one_variant_has_are_left_out() -> None:
    right = {"a": {0: np.array([1, 1, 0]), 3: np.array([0, 0, 0])}, "b": {0: np.array([0, 1, 0])}}
    effect = accuracy_effect(right, {"a": 1.0, "b": -1.0})
    assert (effect.seeds, effect.value) == (1, pytest.approx(1 / 3))


def test_interval_and_p_value_are_of_one_mind() -> None:
    effect = Effect(1.0, (Source(0.04),), Source(0.02, 2), 3, "any")
    for bound in effect.interval:
        assert weigh(effect, Region(bound)).p == pytest.approx(ALPHA)


def course(best: int, seconds: float = 2.0, epochs: int = 100) -> Course:
    accuracy = np.full(epochs, 0.5)
    accuracy[best - 1] = 0.9
    return Course(accuracy, np.linspace(0.9, 1.1, epochs) * seconds, 1000)


def test_runtimes_of_one_seed_compare_as_in_welchs_test() -> None:
    fast, slow = course(5, 2.0), course(5, 2.05)
    effect = ratio_effect(
        {"fast": {0: fast}, "slow": {0: slow}}, "epoch_seconds", {"fast": 1.0, "slow": -1.0}
    )
    assert math.exp(effect.value) == pytest.approx(2 / 2.05)
    expected = stats.ttest_ind(fast.epoch_seconds, slow.epoch_seconds, equal_var=False).pvalue
    assert weigh(effect, Region(high=0)).p == pytest.approx(expected, rel=0.2)


def test_measured_runtimes_compare_round_by_round() -> None:
    drift = np.linspace(1, 3, 9)
    fast, slow = (
        {seed: dataclasses.replace(course(5), rounds=drift * noise) for seed in (0, 1)}
        for noise in (1 + 0.01 * np.cos(np.arange(9)), np.full(9, 1.1))
    )
    weights = {"fast": 1.0, "slow": -1.0}
    effect = ratio_effect({"fast": fast, "slow": slow}, "epoch_seconds", weights)
    logarithms = np.log(fast[0].rounds / slow[0].rounds)
    expected = stats.ttest_1samp(logarithms, 0).pvalue
    assert weigh(effect, Region(high=0)).p == pytest.approx(expected)
    assert (effect.seeds, effect.test) == (2, "Student's t over rounds")
    assert fast[0].measure("seconds_to_best") == pytest.approx(5 * np.median(fast[0].rounds))


def test_a_best_epoch_that_stands_out_is_certain() -> None:
    courses = {"early": {0: course(10)}, "late": {0: course(40)}}
    effect = ratio_effect(courses, "best_epoch", {"early": 1.0, "late": -1.0})
    assert math.exp(effect.value) == pytest.approx(0.25)
    assert [source.variance for source in effect.fixed] == pytest.approx([0, 0])
    flat = Course(np.full(100, 0.5), np.ones(100), 1000)
    assert flat.variance_of_log("best_epoch").variance > 0.3


def test_no_interval_of_a_runtime_goes_below_zero() -> None:
    courses = {0: Course(np.array([0.5, 0.6]), np.array([1.0, 100.0]), 1000)}
    low, high = own_interval("epoch_seconds", pd.Series([50.5]), 1000, courses)
    assert low == 0
    assert high > 100


def test_only_a_short_training_is_cut_short() -> None:
    assert course(5, epochs=5).is_cut_short
    assert not course(4, epochs=5).is_cut_short
    near = Course(np.array([0.5, 0.81, 0.8]), np.ones(3), 1000)  # 0.8 is best on many images
    assert near.is_cut_short
    assert not course(100, epochs=100).is_cut_short


def certain(value: float) -> Effect:
    return Effect(value, (Source(1e-6),), None, 1, "any")


def vague(value: float) -> Effect:
    return Effect(value, (Source(1.0),), None, 1, "any")


@pytest.mark.parametrize(
    ("effect", "region", "verdict"),
    [
        (certain(0.1), Region(0), HOLDS),
        (certain(-0.1), Region(0), FAILS),
        (vague(-0.1), Region(0), UNDECIDABLE),  # on the wrong side, but inside the noise
        (certain(0.1), Region(-0.2, 0.2), HOLDS),
        (certain(0.3), Region(-0.2, 0.2), FAILS),
        (vague(0), Region(-0.2, 0.2), UNDECIDABLE),  # no difference found is not equality
        (certain(0.1), Region(high=0), FAILS),
    ],
)
def test_verdicts(effect: Effect, region: Region, verdict: str) -> None:
    assert judge([weigh(effect, region)])[0][0] == verdict


def test_holms_correction_counts_the_whole_family() -> None:
    nearly, nothing = Evidence(0.02, 0.98), Evidence(0.5, 0.5)
    assert judge([nearly]) == [(HOLDS, pytest.approx(0.04))]
    assert judge([nearly, nothing])[0] == (UNDECIDABLE, pytest.approx(0.08))


def test_a_claim_holds_when_all_its_parts_do() -> None:
    assert combine([HOLDS, HOLDS]) == HOLDS
    assert combine([HOLDS, UNDECIDABLE]) == UNDECIDABLE
    assert combine([HOLDS, NOT_RUN]) == UNDECIDABLE
    assert combine([UNDECIDABLE, FAILS, NOT_RUN]) == FAILS
    assert combine([NOT_RUN, NOT_RUN]) == NOT_RUN


def test_seeds_to_decide() -> None:
    # spread 1 between seeds and an effect of 1: t(0.975, S - 1) / sqrt(S) < 1 from S = 7 on
    effect = Effect(1.0, (), Source(1 / 3, 2), 3, "any")
    assert seeds_to_decide(effect, Region(0), "best_epoch", {}) == 7
    # as one of 100: t(0.99975, S - 1) / sqrt(S) < 1 from S = 19 on
    assert seeds_to_decide(effect, Region(0), "best_epoch", {}, family=100) == 19
    images = Effect(1.0, (Source(1.0),), Source(1 / 3, 2), 3, "any")
    assert seeds_to_decide(images, Region(0), "test_accuracy", {}) is None


@pytest.fixture
def few_objects() -> Iterator[None]:
    """Leave little to collect: statsmodels collects garbage whenever Holm's correction is used."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("few_objects")
@pytest.mark.parametrize(
    "scenario", TRIED, ids=lambda item: f"{item.name}, {item.seeds} seeds, {item.effect}"
)
def test_on_synthetic_sweeps(scenario: Scenario) -> None:
    row = try_out(scenario, SWEEPS, seed=1)
    if scenario.name == ONE_FOR_ALL:  # shows that the others could fail
        assert row["low"] > ALPHA
    elif scenario.expected == ALPHA:
        assert row["low"] <= ALPHA
        assert row["high"] > 0.02
    else:
        assert row["decided"] == pytest.approx(scenario.expected, abs=0.1)
