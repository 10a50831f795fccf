"""Analyses of trained networks: what they measure, and the figures they become."""

import argparse
import itertools
import runpy
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from torch import nn

from analysis_fixture import GLYPHS, make_run
from convnets.analyses import accuracies, confusions, pareto
from convnets.analyses.agreement import describe_agreement, measure_agreement
from convnets.analyses.confusions import (
    collect_confusions,
    confused_images,
    confusion_matrix,
    most_confused,
    most_peculiar,
)
from convnets.analyses.curves import collect_curves
from convnets.analyses.field import effective_width, middle_feature
from convnets.analyses.pareto import apart, on_front
from convnets.analyses.receptive_fields import describe_fields, draw_fields, measure_fields
from convnets.analyses.registry import ANALYSES
from convnets.analyses.runs import (
    AnalysedRuns,
    load_runs,
    one_of_each_method,
)
from convnets.architectures.images import CLASSES
from convnets.architectures.method import Method
from convnets.architectures.methods import METHODS
from convnets.architectures.variant import Variant
from convnets.config.schema import ANALYSIS_FIGURES
from convnets.core.errors import UserError
from convnets.data.dataset import Dataset, save_dataset
from convnets.exhibits.style import CONTRAST, contrast, spread_apart, text_colour
from convnets.judging.witnesses import Predictions, read_predictions
from convnets.runs.metrics import collect
from convnets.runs.run_folder import RunFolder
from convnets.training.network import build_network
from measure_receptive_fields import features_of, mean_gradient

SCRIPTS = Path(__file__).parents[2] / "scripts"
DENSE = Variant("fully_connected", "fully_connected", filters=4)
PLAIN = Variant("no_pooling", "no_pooling", filters=4)
MAX_2 = Variant("max_pool_2", "max_pool", filters=4)
MAX_3 = Variant("max_pool_3", "max_pool", pool_size=3, filters=4)


def images(number: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(1, 256, (number, 28, 28), dtype=torch.uint8, generator=generator)


def convolution(dilation: int) -> nn.Conv2d:
    layer = nn.Conv2d(1, 2, 3, padding=dilation, dilation=dilation, bias=False)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([0.5, 1.5])[:, None, None, None]
    return layer


def test_the_gradient_of_a_convolution_is_its_kernel() -> None:
    gradient = mean_gradient(convolution(1), images(), 10)
    expected = np.zeros((28, 28))
    expected[9:12, 9:12] = 2.0  # of both channels together
    np.testing.assert_array_equal(gradient, expected)
    assert effective_width(gradient) == 3


def test_a_dilated_convolution_sees_nine_pixels() -> None:
    gradient = mean_gradient(convolution(4), images(), 13)
    rows, columns = np.nonzero(gradient)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {
        (row, column) for row in (9, 13, 17) for column in (9, 13, 17)
    }
    assert effective_width(gradient) == 3  # as many pixels as without dilation


def test_the_gradients_of_colours_are_added_up() -> None:
    layer = nn.Conv2d(3, 1, 1, bias=False)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([1.0, -2.0, 3.0])[None, :, None, None]
    gradient = mean_gradient(layer, torch.ones(150, 3, 32, 32, dtype=torch.uint8), 5)
    assert gradient[5, 5] == pytest.approx(6)
    assert gradient.sum() == gradient[5, 5]


@pytest.mark.parametrize(
    "variant",
    [
        PLAIN,
        Variant("stride_2", "stride"),
        Variant("stride_3", "stride", stride=3),
        Variant("dilation_const2", "dilation", dilation=2),
        Variant("max_pool_2to3", "max_pool", pool_size=(2, 2, 3, 3)),
        Variant("avg_pool_3", "avg_pool", pool_size=3),
    ],
    ids=lambda variant: variant.id,
)
def test_no_gradient_leaves_the_theoretical_field(variant: Variant) -> None:
    layers = features_of(build_network(variant, seed=0))
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.abs_()  # nothing cancels, and no unit is silent
    feature = middle_feature(variant)
    gradient = mean_gradient(layers, images(), feature.index)
    reach = np.abs(np.arange(28) - feature.centre) <= (variant.receptive_field - 1) / 2
    assert not gradient[~reach].any()
    assert not gradient[:, ~reach].any()
    if variant.method != "max_pool":  # the maxima of some windows lie elsewhere
        edge = np.flatnonzero(reach)[[0, -1]]
        assert gradient[edge].any(axis=1).all()


def test_the_middle_feature_is_the_nearest_to_the_middle_of_the_image() -> None:
    assert middle_feature(PLAIN).centre == 13
    # Strides move the first field's centre nowhere: fields of 2 features lie at 0 and 16.
    feature = middle_feature(Variant("stride_2", "stride"))
    assert (feature.index, feature.centre) == (1, 16)


def test_effective_width_of_an_even_gradient() -> None:
    assert effective_width(np.ones((10, 10))) == pytest.approx(np.sqrt(95))


points = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


@given(points)
def test_the_front_is_what_no_point_dominates(points: list[tuple[int, int]]) -> None:
    costs, accuracies = np.array(points).T
    expected = [
        not any(
            cost <= own_cost and accuracy >= own and (cost, accuracy) != (own_cost, own)
            for cost, accuracy in points
        )
        for own_cost, own in points
    ]
    assert on_front(costs, accuracies).tolist() == expected


def test_confusions_are_counted_by_class_and_over_seeds() -> None:
    labels = np.array([0, 0, 1, 2], np.uint8)
    named = np.array([[0, 1, 0, 2], [1, 1, 1, 0]], np.uint8)
    counts = confusion_matrix(labels, named, 3)
    assert counts.tolist() == [[1, 3, 0], [1, 1, 0], [1, 0, 1]]


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
    assert row["elsewhere"] == 0
    assert table.loc["dilation", "A/B"]["elsewhere"] == pytest.approx(3 / 20)
    assert most_confused(table.reset_index(), 5) == ["A/B", "A/C"]
    assert not table["peculiar"].any()  # three of 20 images may be chance
    assert confused_images(predictions, variants, 0, 1, 5) == [(0, 1), (1, 1)]


def test_a_pair_that_one_method_alone_confuses_is_peculiar() -> None:
    labels = np.repeat(np.arange(3, dtype=np.uint8), 500)
    mistaken = labels.copy()
    mistaken[:200] = 1
    names = {"stride": "a", "dilation": "b", "max_pool": "c", "fully_connected": "d"}
    named = {"a": labels[None], "b": mistaken[None], "c": labels[None], "d": mistaken[None]}
    table = collect_confusions(Predictions(np.arange(1500), labels, named), names, "ABC")
    found = most_peculiar(table)
    # The baseline is as bad, but it is not what the convolutional variants are compared with.
    assert set(found["method"]) == {"dilation", "fully_connected"}
    assert set(found["pair"]) == {"A/B"}


def test_shared_errors_of_runs() -> None:
    labels = np.zeros(10, np.uint8)
    one = np.array([[1, 1, 2, 2, 0, 0, 0, 0, 0, 0], [1, 1, 2, 0, 2, 0, 0, 0, 0, 0]], np.uint8)
    other = np.array([[1, 2, 0, 0, 0, 0, 0, 0, 0, 3]], np.uint8)
    predicted = {"one": one, "same": one[:1], "other": other}
    table = measure_agreement(Predictions(np.arange(10), labels, predicted))
    cells = table.set_index(["variant", "other"])
    assert cells["shared_errors"].to_dict() == {
        ("one", "one"): 3 / 5,  # its two seeds: of five images that one gets wrong, three alike
        ("one", "same"): 1.0,
        ("one", "other"): 1 / 5,  # another wrong class is no shared error
        ("same", "other"): 1 / 5,
    }
    assert cells["errors"].to_dict()["one", "other"] == 5
    assert cells["reach"].to_dict()["one", "other"] == pytest.approx(1.96 * (0.16 / 5) ** 0.5)
    labels = {"one": "stride 2", "same": "stride 3", "other": "stride 4"}
    text = describe_agreement(table, labels, "Conditions")["footnote"]
    assert "stride 2 60 %" in text
    assert "±43 points" in text


def test_markers_are_moved_sideways_until_none_covers_another() -> None:
    points = np.array([[5.0, 0.0]] * 6 + [[5.0, 1.0], [40.0, 0.0]])
    moved = np.column_stack([apart(points, 6), points[:, 1]])
    distances = np.hypot(*(moved[:, None] - moved[None]).T)
    assert (distances[np.triu_indices(len(points), 1)] >= 6).all()
    assert moved[0, 0] == 5
    assert moved[-1, 0] == 40
    assert np.abs(moved[:7, 0] - 5).max() <= 24


def small_sweep(folder: Path) -> AnalysedRuns:
    inputs = argparse.Namespace(
        runs=sorted((folder / "runs").glob("*/seed_*")),
        metrics=folder / "metrics.csv",
        provenance=folder / "data/provenance.json",
        data=folder / "data",
    )
    return AnalysedRuns(inputs)


def test_names_of_the_front_do_not_overlap(small: Path) -> None:
    drawing = pareto.analyse(small_sweep(small)).drawing
    drawing.draw_without_rendering()
    for axes in drawing.axes:
        boxes = [Text.get_window_extent(text) for text in axes.texts]  # without its line
        assert len(boxes) > 0
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_a_variant_whose_interval_reaches_the_front_is_counted(small: Path) -> None:
    analysis = pareto.analyse(small_sweep(small))
    table = analysis.table.set_index("variant")
    # All have the same accuracy, and only the fully-connected network has more parameters.
    assert table["front_parameters"].tolist() == [False, True, True, True]
    assert table["open_parameters"].tolist() == [True, False, False, False]
    assert "reaches the line: 1 by parameters" in analysis.words["description"]


def test_every_seed_and_the_papers_number_are_drawn(small: Path) -> None:
    sweep = small_sweep(small)
    analysis = accuracies.analyse(sweep)
    (axes,) = analysis.drawing.axes
    rings = {
        round(float(line.get_ydata()[0])): float(line.get_xdata()[0])  # type: ignore[index]
        for line in axes.get_lines()
        if line.get_fillstyle() == "none"
    }
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == list(sweep.labels.values())
    assert rings == {0: 0.816, 1: 0.883, 2: 0.88, 3: 0.877}
    dots = [line for line in axes.get_lines() if line.get_markersize() == 3.5]
    assert [len(line.get_xdata()) for line in dots] == [2, 2, 2, 2]  # type: ignore[arg-type]
    assert analysis.table["test_accuracy"].notna().all()


def test_a_clipped_receptive_field_has_dashed_edges(small: Path) -> None:
    fields = measure_fields([PLAIN, MAX_3], np.ones((2, 28, 28)))
    fields.insert(1, "label", ["plain", "max"])
    words = describe_fields(fields, 28, 500, "Conditions")
    assert "1 of 2 fields reach beyond the image of 28 pixels" in words["footnote"]
    inside, clipped = draw_fields(fields, np.ones((2, 28, 28)), "Remark").axes[:2]
    assert {line.get_linestyle() for line in inside.get_lines()} == {"-"}
    assert {line.get_linestyle() for line in clipped.get_lines()} == {"--"}


def test_text_on_cells_has_enough_contrast(small: Path) -> None:
    sweep = small_sweep(small)
    axes = confusions.analyse(sweep).drawing.axes[0]
    for text, cell in zip(axes.texts, axes.collections[0].get_facecolor(), strict=True):
        assert contrast(text.get_color(), cell[:3]) >= CONTRAST
    assert [text.get_text() for text in axes.get_xticklabels()] == [
        "fully\nconnected", "no\npooling", "max\npooling",
    ]  # fmt: skip


@given(st.lists(st.floats(0, 10), min_size=1, max_size=9))
def test_labels_are_spread_apart(places: list[float]) -> None:
    found = spread_apart(places, 1.0, 0.0, 10.0)
    assert np.argsort(found).tolist() == np.argsort(places, kind="stable").tolist()
    assert (np.diff(np.sort(found)) >= 1 - 1e-9).all()
    assert found.min() >= -1e-9
    assert found.max() <= 10 + 1e-9
    if (np.diff(np.sort(places)) >= 1).all():
        np.testing.assert_allclose(found, places, atol=1e-9)


@pytest.mark.parametrize("method", METHODS.values())
def test_every_colour_can_be_text(method: Method) -> None:
    assert contrast(text_colour(method.colour), "white") >= CONTRAST
    assert contrast("black", "white") == pytest.approx(21)


def sweep(folder: Path, variants: list[Variant], seeds: int = 1) -> Path:
    """The folder of a small sweep on random images: data, runs, checkpoints, metrics."""
    generator = np.random.default_rng(0)
    test = np.arange(100, 194)
    dataset = Dataset(
        generator.integers(0, 256, (200, 28, 28), np.uint8),
        np.arange(200, dtype=np.uint8) % len(CLASSES),
        {"train": np.arange(50), "validation": np.arange(50, 100), "test": test},
        GLYPHS
        | {"classes": CLASSES, "counts": {"split": {"train": 50, "validation": 50, "test": 94}}},
    )
    save_dataset(dataset, folder / "data")
    labels = dataset.labels[test]
    for variant in variants:
        for seed in range(seeds):
            run = make_run(folder / "runs", variant, [0.5, 0.7, 0.6], seed=seed, test_images=94)
            network = build_network(variant, seed)
            torch.save({"network": network.state_dict(), "epoch": 2}, run / "best.pt")
            wrong = generator.random(94) < 0.2
            prediction = np.where(wrong, (labels + 1) % len(CLASSES), labels).astype(np.uint8)
            np.savez(run / "predictions.npz", index=test, label=labels, prediction=prediction)
    metrics = collect(sorted((folder / "runs").glob("*/seed_*")))
    (folder / "metrics.csv").write_text(metrics.to_csv(index=False))
    return folder


def run_script(name: str, *arguments: str | Path) -> None:
    with mock.patch.object(sys, "argv", [name, *map(str, arguments)]):
        runpy.run_path(str(SCRIPTS / name), run_name="__main__")


def analyse(folder: Path, name: str, output: Path) -> None:
    runs = sorted((folder / "runs").glob("*/seed_*"))
    extra: list[str | Path] = ["--data", folder / "data"] if name == "confusions" else []
    if name == "receptive_fields":
        gradients = output / "gradients.npz"
        measured = ["--data", folder / "data", "--runs", *runs, "--output", gradients]
        run_script("measure_receptive_fields.py", *measured)
        extra = ["--gradients", gradients]
    shared = ["--runs", *runs, "--metrics", folder / "metrics.csv"]
    shared += ["--provenance", folder / "data/provenance.json"]
    outputs = ["--table", output / f"{name}.csv", "--output", output / name]
    run_script("analyse.py", name, *shared, *extra, *outputs)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep(tmp_path_factory.mktemp("small"), [MAX_3, DENSE, PLAIN, MAX_2], seeds=2)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("accuracies", 8),
        ("receptive_fields", 3),
        ("pareto", 4),
        ("confusions", None),
        ("agreement", 10),
        ("curves", 12),
    ],
)
def test_a_figure_and_its_numbers_are_the_same_each_time(
    small: Path, tmp_path: Path, name: str, rows: int | None
) -> None:
    for attempt in ("first", "second"):
        analyse(small, name, tmp_path / attempt)
    for ending in ("csv", "svg", "png"):
        first, second = (tmp_path / f"{a}/{name}.{ending}" for a in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    svg = (tmp_path / f"first/{name}.svg").read_text()
    assert "Synthetic glyphs (not EMNIST), 50 training and 94 test images" in svg
    lines = (tmp_path / f"first/{name}.csv").read_text().splitlines()
    assert rows is None or len(lines) == 1 + rows


@pytest.mark.parametrize("name", ANALYSES)
def test_one_variant_is_enough(tmp_path: Path, name: str) -> None:
    seeds = 2 if name == "agreement" else 1  # of one run, the configuration asks for none
    analyse(sweep(tmp_path, [MAX_2], seeds), name, tmp_path / "output")
    assert (tmp_path / f"output/{name}.png").stat().st_size > 1000


def test_every_analysis_has_its_figure() -> None:
    assert tuple(f"analysis_{name}" for name in ANALYSES) == ANALYSIS_FIGURES


def test_runs_come_by_method_and_seed(small: Path) -> None:
    runs = load_runs(sorted((small / "runs").glob("*/seed_*"), reverse=True))
    assert list(runs) == ["fully_connected", "no_pooling", "max_pool_3", "max_pool_2"]
    assert [run.record["seed"] for run in runs["max_pool_2"]] == [0, 1]
    assert one_of_each_method(runs)["max_pool"] == "max_pool_3"


def test_curves_are_means_over_seeds(small: Path) -> None:
    runs = load_runs(sorted((small / "runs").glob("no_pooling/seed_*")))
    history = runs["no_pooling"][1].path / "history.csv"
    before = history.read_text()
    history.write_text(before.replace(",0.6,", ",0.9,"))
    curve = collect_curves(runs).set_index("epoch")
    history.write_text(before)
    assert curve["val_mean"].tolist() == pytest.approx([0.5, 0.7, 0.75])
    assert curve["val_low"].tolist() == [0.5, 0.7, 0.6]
    assert curve["best"].tolist() == [False, False, True]


def test_runs_of_other_images_are_refused(tmp_path: Path) -> None:
    folder = sweep(tmp_path, [MAX_2, PLAIN])
    file = folder / "runs/no_pooling/seed_0/predictions.npz"
    with np.load(file) as test:
        arrays = dict(test)
    np.savez(file, **arrays | {"index": arrays["index"] + 1})
    with pytest.raises(UserError, match="were tested on different images"):
        read_predictions(map(RunFolder, sorted((folder / "runs").glob("*/seed_*"))))
