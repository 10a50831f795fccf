"""The guard of accuracy: what it expects of one more seed."""

import pandas as pd
import pytest

from benchmarks.check_reference import EXPECTED, VARIANTS, compare


def test_one_more_seed_has_a_lower_bound() -> None:
    expected = pd.DataFrame(
        {"variant": ["a"] * 3 + ["b"] * 3, "test_accuracy": [0.8, 0.81, 0.82, 0.5, 0.5, 0.5]}
    )
    trained = pd.DataFrame({"variant": ["a", "b"], "seed": [0, 0], "test_accuracy": [0.8, 0.46]})
    report = compare(expected, trained)
    assert report["expected"].tolist() == pytest.approx([0.81, 0.5])
    # pooled variance 0.00005 with 4 degrees of freedom, whose 99.5 % quantile is 4.604
    reach = 4.604 * (0.00005 * 4 / 3) ** 0.5
    assert report["lowest"].tolist() == pytest.approx([0.81 - reach, 0.5 - reach], abs=1e-5)
    assert (report["test_accuracy"] < report["lowest"]).tolist() == [False, True]


def test_every_variant_has_an_expected_accuracy_of_several_seeds() -> None:
    seeds = pd.read_csv(EXPECTED).groupby("variant")["seed"].nunique()
    assert set(seeds.index) == set(VARIANTS) and seeds.min() >= 5
