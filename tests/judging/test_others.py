"""Other people's runs: read, fitted by a mixed model, and compared with the paper."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from convnets.judging.claims import Family, load_claims
from convnets.judging.estimates import ACCURACY
from convnets.judging.others import (
    fit,
    other_peoples_runs,
    papers_seed,
    read_prior,
)
from convnets.judging.published import read_published
from convnets.judging.verdicts import judge
from convnets.judging.witnesses import SeedSample

ROOT = Path(__file__).parents[2]
PRIOR = read_prior(ROOT / "config/prior")
PUBLISHED = read_published(ROOT / "config/published_values.csv")


def test_only_runs_with_the_papers_settings_count() -> None:
    assert not PRIOR.runs["use_bias"].any()
    assert "Hhhhhhao" not in set(PRIOR.runs["person"])
    accuracies = PRIOR.usable(ACCURACY)
    short = accuracies[accuracies["epochs_run"] < 100]
    assert (2 * short["best_epoch"] <= short["epochs_run"]).all()
    assert "kyriacosar/avg_pool_32f" not in set(accuracies["run_key"])  # best at 44 of 50


def test_the_mixed_model_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(0)
    runs = pd.DataFrame(
        [
            {"variant": variant, "person": person, "seed": str(person % 2), "repeat": repeat}
            for variant in "ab"
            for person in range(6)
            for repeat in range(3)
        ]
    )
    for column, size in (("person", 3.0), ("cell", 2.0), ("seeds", 1.0)):
        keys = {"person": ["person"], "cell": ["variant", "person"], "seeds": ["variant", "seed"]}
        groups = runs.groupby(keys[column]).ngroup()
        runs[column + "_effect"] = size * rng.standard_normal(groups.max() + 1)[groups]
    runs["value"] = runs.filter(like="_effect").sum(axis=1) + rng.standard_normal(len(runs))
    runs["cell"], runs["both"] = runs["variant"] + runs["person"].astype(str), 1
    runs["seeds"] = runs["variant"] + runs["seed"]
    parts = {name: f"0 + C({name})" for name in ("person", "cell", "seeds")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the optimiser, near the boundary
        expected = MixedLM.from_formula(
            "value ~ 0 + C(variant)", runs, groups="both", vc_formula=parts
        ).fit()
    model = fit(runs)
    assert model.means.to_numpy() == pytest.approx(expected.fe_params.to_numpy(), rel=1e-2)
    total = expected.vcomp.sum() + expected.scale
    assert model.variance == pytest.approx(total, rel=0.02)
    assert np.diag(model.covariance) == pytest.approx(np.diag(expected.cov_params())[:2], rel=0.05)


def test_repeats_by_one_person_are_not_independent() -> None:
    model = PRIOR.models[ACCURACY]
    of_stride_3 = model.covariance.loc["stride_3", "stride_3"]  # six runs by two persons
    assert of_stride_3 > 1.5 * model.variance / 6
    assert model.variance**0.5 == pytest.approx(0.0023, abs=0.0003)


def test_their_claims_are_judged_where_they_have_all_variants() -> None:
    family = Family(load_claims(ROOT / "config/claims.yaml"))
    nothing = np.zeros((len(family.variants), len(family.variants)))
    theirs = judge(family, other_peoples_runs(PRIOR, family.variants, SeedSample({}, {}, nothing)))
    assert theirs.claims.keys() == {2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 16, 18, 19, 20}
    max_below_average = next(c for c in theirs.findings if c.quantity == "best_epoch")
    finding = theirs.findings[max_below_average]
    assert max_below_average.variants == ["max_pool_2", "avg_pool_2"]
    assert np.exp(finding.effects.value[finding.index]) == pytest.approx(0.43, abs=0.02)
    assert finding.effects.seeds[finding.index] == 6
    assert finding.evidence.support < 0.01


def test_the_papers_seed_is_reported_as_what_it_is() -> None:
    found = papers_seed(PUBLISHED)
    assert (found["persons"], found["p"]) == (6, pytest.approx(1 / 20))  # the least there can be
    assert found["regret_default"] == pytest.approx(0.0006, abs=1e-4)
    assert found["regret_other"] == pytest.approx(0.0047, abs=1e-4)
