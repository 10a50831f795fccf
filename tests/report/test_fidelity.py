"""The study of the training plan: its statistics, and how the report shows it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from convnets.core.errors import UserError
from convnets.report.discussion import ALL, CONDITIONS, differences, fidelity

CONDITIONS_OF_ALL = dict(
    zip(
        CONDITIONS,
        ("Made-up data", 18000, 11280, 5, "bfloat16", "fused", "A processor"),
        strict=True,
    )
)


def study(gaps: dict[str, list[float]], **conditions: object) -> pd.DataFrame:
    """Pairs whose test accuracies differ by `gaps` percentage points."""
    rows = [
        {
            "variant": variant,
            "seed": seed,
            "reference_accuracy": 0.8,
            "plan_accuracy": 0.8 + gap / 100,
        }
        for variant, values in gaps.items()
        for seed, gap in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(**(CONDITIONS_OF_ALL | conditions))


def test_differences_are_student_s_t_over_pairs() -> None:
    gaps = {"max_pool_2": [0.1, -0.2, 0.4, 0.1], "stride_2": [1.0, 1.2, 0.9, 1.1]}
    first, second, both = differences(study(gaps))
    bounds = stats.ttest_1samp(gaps["max_pool_2"], 0).confidence_interval(0.95)
    assert (first["low"], first["high"]) == pytest.approx((bounds.low, bounds.high))
    assert (first["pairs"], first["mean"]) == (4, pytest.approx(0.1))
    assert (first["verdict"], second["verdict"]) == ("no shift found", "shifts")
    assert (both["name"], both["pairs"], both["mean"]) == (ALL, 8, pytest.approx(0.575))


def test_one_pair_decides_nothing() -> None:
    only, both = differences(study({"max_pool_2": [0.3]}))
    assert "low" not in only
    assert only["verdict"] == both["verdict"] == "undecidable"


def test_no_shift_is_found_at_the_nominal_rate() -> None:
    generator = np.random.default_rng(0)
    verdicts = [
        differences(study({"max_pool_2": list(generator.normal(0, 0.5, 6))}))[0]["verdict"]
        for _ in range(400)
    ]
    assert 0.02 < verdicts.count("shifts") / len(verdicts) < 0.09


def test_the_appendix_keeps_conditions_apart(tmp_path: Path) -> None:
    here, there = (
        study({"max_pool_2": [0.1, 0.2]}),
        study({"max_pool_2": [-0.5]}, precision="float32"),
    )
    pd.concat([here, there]).to_csv(tmp_path / "study.csv", index=False)
    studies = fidelity(tmp_path / "study.csv")
    assert [conditions["precision"] for conditions, _ in studies] == ["bfloat16", "float32"]
    assert [found[0]["pairs"] for _, found in studies] == [2, 1]


def test_a_file_that_is_no_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.csv").write_text("variant,seed\nmax_pool_2,0\n")
    with pytest.raises(UserError, match=r"no column 'reference_accuracy'.*fidelity\.py"):
        fidelity(tmp_path / "study.csv")
