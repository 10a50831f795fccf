"""The accuracy on official test images in data that are not official."""

import json
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from made_results import make_results

from convnets.core.files import write_json
from convnets.report.results import Results
from convnets.report.sections import ReportPage, official, official_interval
from convnets.runs.metrics import collect


def test_one_seed_has_the_error_of_a_finite_population() -> None:
    low, high = official_interval(pd.Series([0.88]), 4380)
    assert (high - low) / 2 / 1.96 == pytest.approx(0.0043, abs=0.00005)
    assert official_interval(pd.Series([0.88]), 18_800) == (0.88, 0.88)


def test_seeds_widen_the_interval() -> None:
    low, high = official_interval(pd.Series([0.879, 0.881]), 4380)
    over_seeds, over_images = 12.71 * 0.001, 1.96 * 0.0043
    assert (high - low) / 2 == pytest.approx((over_seeds**2 + over_images**2) ** 0.5, rel=0.01)


def test_the_report_shows_them_beside_the_accuracy_on_all_images(tmp_path: Path) -> None:
    folder = make_results(tmp_path / "trial")
    assert official(Results(folder)) == []
    for run in folder.glob("runs/stride_*/seed_*"):
        test = json.loads((run / "test.json").read_text())
        test |= {"official_test_images": 4380, "official_test_accuracy": 0.8501}
        write_json(run / "test.json", test)
    runs = folder.glob("runs/*/seed_*")
    (folder / "metrics.csv").write_text(collect(runs).to_csv(index=False))
    page = BeautifulSoup(ReportPage(folder).show("numbers").data, "html.parser")
    table = page.find(attrs={"aria-label": "Accuracies on official test images"})
    text = table.find_previous("p").text + table.text.replace("\n", "")
    assert "4,380 of the test images belong to the 18,800" in text
    assert "stride_220.8770.8130.8500.841 to 0.859" in text
    assert "fully_connected" not in text
