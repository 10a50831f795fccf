"""Readings of the paper judged on made-up runs, by hand-worked likelihoods."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import integrate, stats

from convnets.config.checks import load_config
from convnets.judging.estimates import ACCURACY, ASSUMED, learn_spread
from convnets.judging.published import read_published
from convnets.judging.readings import (
    ALTERNATIVE,
    AS_PUBLISHED,
    COLUMNS,
    DEFAULT,
    NOT_COMPARABLE,
    NOT_RUN,
    TOTAL,
    UNDECIDABLE,
    Reading,
    judge_readings,
    log_likelihood,
    read_paper,
    read_readings,
)
from convnets.report.page import Sections
from convnets.report.sections import VALUES

OFFICIAL: dict[str, Any] = {
    "display_name": "EMNIST Balanced",
    "official": True,
    "source": "nist",
    "counts": {"split": {"train": 100_000, "validation": 15_800, "test": 15_800}},
}
SUBSET = OFFICIAL | {"display_name": "A subset", "official": False, "source": "archive"}
HEAD = Reading(
    "Which head?",
    "averaged",
    "flattened",
    (("no_pooling", "no_pooling_flattened"), ("max_pool_2", "max_pool_2_flattened")),
    ("stride_2",),
    "snakemake --config experiments=reading_head",
)
PUBLISHED = read_published(Path("config/published_values.csv"))
AS_PAPER = {
    "no_pooling": (0.883, 38, 33.0),
    "max_pool_2": (0.880, 12, 17.0),
    "stride_2": (0.877, 9, 20.0),
}
Values = dict[str, tuple[float, int, float]]


def runs(
    values: Values, seeds: int = 1, epochs: int = 100, device: str = "Tesla K80"
) -> pd.DataFrame:
    """Runs with these accuracies, best epochs and seconds an epoch, the same for each seed."""
    rows = [
        {
            "variant": variant,
            "seed": seed,
            "test_accuracy": accuracy + 0.002 * (seed % 2),
            "best_epoch": best,
            "epoch_seconds": seconds,
            "seconds_to_best": best * seconds,
            "epochs": epochs,
            "epochs_trained": epochs,
            "test_images": 15_800,
            "device": device,
        }
        for variant, (accuracy, best, seconds) in values.items()
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows).set_index(["variant", "seed"])


def both(no_pooling: tuple[float, int, float], max_pool: tuple[float, int, float]) -> Values:
    """The default as in the paper, and the alternative with these values."""
    return AS_PAPER | {"no_pooling_flattened": no_pooling, "max_pool_2_flattened": max_pool}


def judged(table: pd.DataFrame, quantity: str = TOTAL) -> dict[Any, Any]:
    (row,) = table[table["quantity"] == quantity].to_dict("records")
    return row


def test_a_likelihood_is_the_product_of_normal_densities() -> None:
    gaps, variances = np.array([0.5, -1.0]), np.array([4.0, 0.25])
    expected = stats.norm.logpdf(0.5, scale=2.0) + stats.norm.logpdf(-1.0, scale=0.5)
    assert log_likelihood(gaps, variances, offset=False) == pytest.approx(expected)
    assert log_likelihood(gaps[:0], variances[:0], offset=False) is None


def test_an_unknown_offset_is_integrated_out() -> None:
    gaps, variances = np.array([3.0, 5.0, 4.0]), np.array([4.0, 0.25, 1.0])

    def density(offset: float) -> float:
        return float(stats.norm.pdf(gaps - offset, scale=np.sqrt(variances)).prod())

    area, _ = integrate.quad(density, -20, 30, points=[5])
    assert log_likelihood(gaps, variances, offset=True) == pytest.approx(math.log(area))
    assert log_likelihood(gaps + 7, variances, offset=True) == pytest.approx(math.log(area))
    assert log_likelihood(gaps[:1], variances[:1], offset=True) is None


def test_the_accuracy_of_one_variant_by_hand() -> None:
    values = {"no_pooling": (0.883, 38, 33.0), "no_pooling_flattened": (0.870, 38, 33.0)}
    table = judge_readings([HEAD], PUBLISHED, runs(values), OFFICIAL)
    row = judged(table, "test_accuracy")
    shared = 0.883 * 0.117 / 15_800 + 2 * ASSUMED["test_accuracy"] ** 2 + 0.001**2 / 12
    errors = [math.sqrt(shared + p * (1 - p) / 15_800) for p in (0.883, 0.870)]
    default, other = (
        stats.norm.logpdf(gap, scale=error) for gap, error in zip((0, 0.013), errors, strict=True)
    )
    assert row["log_likelihood_default"] == pytest.approx(default)
    assert row["log_likelihood_alternative"] == pytest.approx(other)
    assert row["difference"] == pytest.approx(default - other)


def test_what_agrees_with_the_paper_is_favoured() -> None:
    worse = both((0.850, 10, 33.0), (0.860, 2, 17.0))
    table = judge_readings([HEAD], PUBLISHED, runs(worse), OFFICIAL)
    assert judged(table)["verdict"] == DEFAULT
    assert set(table["scale"]) == {AS_PUBLISHED}
    other_way = {variant: other for pair in HEAD.pairs for variant, other in (pair, pair[::-1])}
    swapped = {other_way.get(variant, variant): value for variant, value in worse.items()}
    table = judge_readings([HEAD], PUBLISHED, runs(swapped), OFFICIAL)
    assert judged(table)["verdict"] == ALTERNATIVE


def test_the_same_numbers_decide_nothing() -> None:
    same = both(AS_PAPER["no_pooling"], AS_PAPER["max_pool_2"])
    row = judged(judge_readings([HEAD], PUBLISHED, runs(same), OFFICIAL))
    assert row["difference"] == pytest.approx(0)
    assert row["verdict"] == UNDECIDABLE


def test_the_total_is_the_sum_of_the_quantities() -> None:
    values = both((0.870, 20, 40.0), (0.878, 12, 17.0))
    table = judge_readings([HEAD], PUBLISHED, runs(values), OFFICIAL)
    parts = table[table["quantity"] != TOTAL]
    assert set(parts["quantity"]) == {"test_accuracy", "best_epoch", "epoch_seconds"}
    assert judged(table)["difference"] == pytest.approx(parts["difference"].sum())


def test_runtimes_are_multiples_of_the_reference_run_the_same_way() -> None:
    slower = both((0.883, 38, 66.0), (0.880, 12, 34.0)) | {"stride_2": (0.877, 9, 40.0)}
    row = judged(judge_readings([HEAD], PUBLISHED, runs(slower), OFFICIAL), "epoch_seconds")
    # Twice as long throughout is as in the paper; by default, stride alone takes twice as long.
    assert row["difference"] < 0
    assert row["variants"] == 2


def test_on_another_scale_only_differences_count_and_it_is_said() -> None:
    def difference(shift: float, provenance: dict[str, Any]) -> float:
        values = {
            name: (accuracy - shift, best, seconds)
            for name, (accuracy, best, seconds) in both((0.75, 9, 33.0), (0.880, 12, 17.0)).items()
        }
        table = judge_readings([HEAD], PUBLISHED, runs(values), provenance)
        return float(judged(table, "test_accuracy")["difference"])

    # The alternative has no pooling 13 points lower than the paper does, whatever the level.
    assert difference(0.1, SUBSET) == pytest.approx(difference(0.2, SUBSET), rel=0.02)
    assert difference(0.0, SUBSET) > 0
    assert difference(0.0, OFFICIAL) > 10 * difference(0.0, SUBSET)
    table = judge_readings([HEAD], PUBLISHED, runs(both(*[(0.8, 9, 30.0)] * 2)), SUBSET)
    assert judged(table, "test_accuracy")["scale"].startswith("indicative only: data are A subset")
    assert judged(table, "epoch_seconds")["scale"] == AS_PUBLISHED
    assert judged(table)["scale"] == "indicative only"


def test_runtimes_on_other_hardware_say_little() -> None:
    values = both((0.883, 38, 66.0), (0.880, 12, 17.0))
    here, there = (
        judged(
            judge_readings([HEAD], PUBLISHED, runs(values, device=name), OFFICIAL), "epoch_seconds"
        )
        for name in ("Tesla K80", "some processor")
    )
    assert abs(there["difference"]) < abs(here["difference"]) / 10
    assert there["scale"] == "indicative only: run on some processor"


def test_the_spread_between_seeds_is_taken_from_them() -> None:
    values = both((0.870, 38, 33.0), (0.870, 12, 17.0))
    several = judged(
        judge_readings([HEAD], PUBLISHED, runs(values, seeds=4), OFFICIAL), "test_accuracy"
    )
    spread = learn_spread(np.array([[0, 0.002, 0, 0.002]] * 5), ACCURACY)
    found = spread.variance * (1 + 1 / 4)
    gaps = {"no_pooling": 0.883, "max_pool_2": 0.880, "stride_2": 0.877}
    expected = sum(
        stats.norm.logpdf(
            -0.001,
            scale=math.sqrt(
                found
                + paper * (1 - paper) / 15_800
                + (paper + 0.001) * (0.999 - paper) / 15_800
                + 0.001**2 / 12
            ),
        )
        for paper in gaps.values()
    )
    assert several["log_likelihood_default"] == pytest.approx(expected)


def page_of(table: pd.DataFrame, folder: Path) -> str:
    """The report's section on the readings."""
    table.to_csv(folder / "readings.csv", index=False)
    paper: dict[str, list[Any]] = {"readings": [], "inconsistencies": []}
    results = SimpleNamespace(readings=read_readings(folder / "readings.csv"), paper=paper)
    values = {"results": results, "exhibits": {"readings": [], "beyond": []}} | VALUES["readings"](
        None
    )  # type: ignore[arg-type]
    return str(Sections(**values).show("readings").data)


@pytest.mark.parametrize("source", ["glyphs", "torchvision"])
def test_other_images_than_emnist_say_nothing(source: str, tmp_path: Path) -> None:
    values = both((0.1, 10, 33.0), (0.2, 2, 17.0))
    other = SUBSET | {"source": source}
    table = judge_readings([HEAD], PUBLISHED, runs(values), other)
    assert judged(table)["verdict"] == NOT_COMPARABLE
    assert table["log_likelihood_default"].isna().all()
    assert "not comparable" in page_of(table, tmp_path)


def test_best_epochs_of_trainings_cut_short_do_not_count() -> None:
    values = AS_PAPER | {"no_pooling": (0.8, 40, 33.0), "no_pooling_flattened": (0.8, 38, 33.0)}
    for epochs, counts in ((40, False), (45, True)):
        table = judge_readings([HEAD], PUBLISHED, runs(values, epochs=epochs), SUBSET)
        assert ("best_epoch" in set(table["quantity"])) == counts


def test_readings_that_were_not_run_say_how_to(tmp_path: Path) -> None:
    table = judge_readings([HEAD], PUBLISHED, runs(AS_PAPER), OFFICIAL)
    assert list(table.columns) == COLUMNS
    row = judged(table)
    assert (row["verdict"], row["command"]) == (NOT_RUN, HEAD.command)
    page = page_of(table, tmp_path)
    assert "experiments=reading_head" in page
    assert "<table>" not in page


def test_a_reading_whose_numbers_do_not_compare_is_undecidable(tmp_path: Path) -> None:
    reading = Reading("Where?", "all", "last", (("dilation_plus3", "dilation_plus3_last"),))
    values = {"dilation_plus3": (0.8, 4, 30.0), "dilation_plus3_last": (0.7, 4, 30.0)}
    table = judge_readings([reading], PUBLISHED, runs(values), SUBSET)
    assert judged(table)["verdict"] == UNDECIDABLE
    assert "compares with ours" in page_of(table, tmp_path)


def test_the_runtime_until_best_counts_where_no_best_epoch_is_published() -> None:
    reading = Reading("Where?", "all", "last", (("dilation_plus3", "dilation_plus3_last"),))
    values = {"dilation_plus3": (0.886, 11, 66.0), "dilation_plus3_last": (0.886, 2, 66.0)}
    table = judge_readings([reading], PUBLISHED, runs(AS_PAPER | values), OFFICIAL)
    assert set(table["quantity"]) == {"test_accuracy", "seconds_to_best", TOTAL}
    assert judged(table, "seconds_to_best")["verdict"] == DEFAULT


def test_the_page_shows_verdict_and_likelihoods(tmp_path: Path) -> None:
    table = judge_readings(
        [HEAD], PUBLISHED, runs(both((0.850, 10, 33.0), (0.860, 2, 17.0))), OFFICIAL
    )
    page = page_of(table, tmp_path)
    assert '<span class="verdict favours-default">favours default</span>' in page
    assert f"{judged(table)['difference']:+.1f}" in page
    assert "not run both ways" not in page


def test_the_readings_of_the_configuration_can_be_run_as_they_are_judged() -> None:
    base = yaml.safe_load(Path("config/config.yaml").read_text())
    items = yaml.safe_load(Path("config/readings.yaml").read_text())["readings"]
    in_set = load_config(["config/config.yaml"], {"experiments": "readings"}).variant_ids
    experiments = [item["experiment"] for item in items if "experiment" in item]
    assert sorted(experiments) == sorted(base["sets"]["readings"])
    for item, reading in zip(items, read_paper().readings, strict=True):
        if "experiment" in item:
            shown = load_config(
                ["config/config.yaml"], {"experiments": item["experiment"]}
            ).variant_ids
            assert {variant for pair in reading.pairs for variant in pair} == set(shown)
            assert reading.how.endswith(f"experiments={item['experiment']}")
            assert set(reading.unchanged) <= set(in_set)
