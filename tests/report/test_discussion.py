"""The report's discussion: what was measured about possible causes of differences."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from convnets.report.discussion import class_balance, lost_by_patience, mean_interval, official_gap


def runs_with(official: float, official_images: float) -> pd.DataFrame:
    """Two runs that are right on 80 % of 1,000 test images."""
    columns = {"test_accuracy": 0.8, "test_images": 1000.0}
    columns |= {"official_test_accuracy": official, "official_test_images": official_images}
    return pd.DataFrame([columns, columns])


def test_official_images_are_compared_with_the_others() -> None:
    gap = official_gap(runs_with(0.86, 400.0))  # 344 of 400 and 456 of 600 images
    assert gap is not None
    assert gap["mean"] == pytest.approx(0.86 - 0.76)
    error = np.sqrt(0.8 * 0.2 * (1 / 400 + 1 / 600))
    assert gap["high"] - gap["low"] == pytest.approx(2 * 1.96 * error, rel=1e-3)


@pytest.mark.parametrize(
    "runs", [runs_with(0.8, 1000.0), runs_with(np.nan, np.nan), runs_with(0.8, 400).iloc[:, :2]]
)
def test_without_both_kinds_of_images_there_is_no_gap(runs: pd.DataFrame) -> None:
    assert official_gap(runs) is None


def results_with(validation: list[int]) -> Any:
    """Two variants that recognise 90 % and 80 % of A, and 50 % of f; f has few training images."""
    counts = {"train": [900, 900, 100], "validation": validation, "test": [50, 50, 50]}
    tests = [{"A": share, "B": share, "f": 0.5} for share in (0.9, 0.8)]
    runs = {
        str(share): [SimpleNamespace(test={"per_class_accuracy": test})]
        for share, test in enumerate(tests)
    }
    return SimpleNamespace(
        provenance={"classes": "ABf", "counts": {"per_class": counts}}, by_variant=runs
    )


def test_classes_weigh_as_in_validation_and_as_in_the_test_set() -> None:
    found = class_balance(results_with([90, 90, 20]))
    assert found is not None
    f_share = 1 / 3 - 0.1
    assert found["mean"] == pytest.approx(f_share * (0.85 - 0.5))
    assert found["short"] == 1
    assert class_balance(results_with([30, 30, 30])) is None


def test_the_interval_of_a_mean_is_students() -> None:
    found = mean_interval(pd.Series([0.01, 0.02, 0.03]))
    assert found is not None
    assert found["mean"] == pytest.approx(0.02)
    assert found["high"] == pytest.approx(0.02 + 4.3027 * 0.01 / np.sqrt(3), rel=1e-4)
    assert mean_interval(pd.Series([0.01])) is None


def test_losses_are_those_of_the_patience_in_use() -> None:
    short, long = lost_by_patience([5]), lost_by_patience([25])
    assert short and long
    assert short["mean"] > long["mean"] >= 0
    assert short["most"] >= short["mean"]
    assert lost_by_patience([]) is lost_by_patience([1000]) is None
