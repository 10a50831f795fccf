"""Errors of networks: the classes that they confuse, and the errors that they share."""

from argparse import Namespace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from analysed_sweep import MAX_2, PLAIN, study_of, sweep
from convnets.analyses import agreement, confusions
from convnets.analyses.confusions import collect_confusions, confused_images, most_confused
from convnets.core.errors import UserError
from convnets.core.templates import texts
from convnets.exhibits.style import CONTRAST, contrast
from convnets.judging.witnesses import Predictions, read_predictions
from convnets.runs.run_folder import RunFolder


def test_confusions_are_counted_by_class_and_over_seeds() -> None:
    labels = np.array([0, 0, 1, 2], np.uint8)
    named = np.array([[0, 1, 0, 2], [1, 1, 1, 0]], np.uint8)
    predictions = Predictions(np.arange(4), labels, {"one": named})
    table = collect_confusions(predictions, {"stride": "one"}, "ABC").set_index("pair")
    assert table["first_as_second"].to_dict() == {"A/B": 3, "A/C": 0, "B/C": 0}
    assert table["second_as_first"].to_dict() == {"A/B": 1, "A/C": 1, "B/C": 0}
    assert table["images"].to_dict() == {"A/B": 3, "A/C": 3, "B/C": 2}


def test_confused_pairs_by_hand() -> None:
    labels = np.array([0] * 10 + [1] * 10 + [2] * 10, np.uint8)
    one, other = labels.copy(), labels.copy()
    one[[0, 1, 10]] = [1, 1, 0]  # A named B twice, B named A once
    other[20] = 0  # C named A
    predictions = Predictions(
        np.arange(30), labels, {"one": np.array([one, one]), "other": other[None]}
    )
    variants = {"stride": "one", "dilation": "other"}
    table = collect_confusions(predictions, variants, "ABC").set_index(["method", "pair"])
    row = table.loc["stride", "A/B"]
    assert (row["first_as_second"], row["second_as_first"]) == (4, 2)  # two seeds
    assert row["share"] == pytest.approx(3 / 20)
    assert most_confused(table.reset_index(), 5) == ["A/B", "A/C"]
    assert confused_images(predictions, variants, 0, 1, 5) == [(0, 1), (1, 1)]


def test_shared_errors_of_runs() -> None:
    labels = np.zeros(10, np.uint8)
    one = np.array([[1, 1, 2, 2, 0, 0, 0, 0, 0, 0], [1, 1, 2, 0, 2, 0, 0, 0, 0, 0]], np.uint8)
    other = np.array([[1, 2, 0, 0, 0, 0, 0, 0, 0, 3]], np.uint8)
    predicted = {"one": one, "same": one[:1], "other": other}
    predictions = Predictions(np.arange(10), labels, predicted)
    study = Namespace(runs={}, labels={"one": "stride 2", "same": "stride 3", "other": "stride 4"})
    with mock.patch.object(agreement, "read_predictions", return_value=predictions):
        table, _, values = agreement.analyse(study)  # type: ignore[arg-type]
    cells = table.set_index(["variant", "other"])
    assert cells["shared_errors"].to_dict() == {
        ("one", "one"): 3 / 5,  # its two seeds: of five images that one gets wrong, three alike
        ("one", "same"): 1.0,
        ("one", "other"): 1 / 5,  # another wrong class is no shared error
        ("same", "other"): 1 / 5,
    }
    assert cells["errors"].to_dict()["one", "other"] == 5
    assert cells["reach"].to_dict()["one", "other"] == pytest.approx(1.96 * (0.16 / 5) ** 0.5)
    text = texts("analysis_agreement", **values, conditions="Conditions")["footnote"]
    assert "stride 2 60 %" in text
    assert "±43 points" in text


def test_text_on_cells_has_enough_contrast(small: Path) -> None:
    table, drawing, _ = confusions.analyse(study_of(small))
    assert {*table["variant"]} == {"fully_connected", "no_pooling", "max_pool_2"}  # first ones
    axes = drawing.axes[0]
    for text, cell in zip(axes.texts, axes.collections[0].get_facecolor(), strict=True):
        assert contrast(text.get_color(), cell[:3]) >= CONTRAST
    assert [text.get_text() for text in axes.get_xticklabels()] == [
        "fully\nconnected", "no\npooling", "max\npooling",
    ]  # fmt: skip


def test_runs_of_other_images_are_refused(tmp_path: Path) -> None:
    folder = sweep(tmp_path, [MAX_2, PLAIN])
    file = folder / "runs/no_pooling/seed_0/predictions.npz"
    with np.load(file) as test:
        arrays = dict(test)
    np.savez(file, **arrays | {"index": arrays["index"] + 1})
    with pytest.raises(UserError, match="were tested on different images"):
        read_predictions(map(RunFolder, sorted((folder / "runs").glob("*/seed_*"))))
