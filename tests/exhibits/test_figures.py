"""Figures of training, and Figure 6: what they show, and the files they become."""

import dataclasses
import hashlib
import itertools
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from PIL import Image

from analysis_fixture import make_run, make_runtimes
from convnets.architectures.methods import METHODS
from convnets.architectures.variant import Variant
from convnets.config.experiments import Curve, Figure
from convnets.core.errors import UserError
from convnets.exhibits.figures import Trajectory, describe, draw, numbers, read_trajectories
from convnets.exhibits.style import CONTRAST, contrast, save_figure, use_style
from convnets.runs.metrics import collect, read_runs
from draw_pooling import draw_pooling, pooled

CONFIG = Path(__file__).parents[2] / "config"
PRIOR = CONFIG / "prior"
SVG = "{http://www.w3.org/2000/svg}"
MAX_2 = Variant("max_pool_2", "max_pool")
MAX_3 = Variant("max_pool_3", "max_pool", pool_size=3)
AVERAGE = Variant("avg_pool_2", "avg_pool")
FIGURE = Figure(
    "Pooling",
    "epoch",
    (Curve("Average", ("avg_pool_2",)), Curve("best Max", ("max_pool_2", "max_pool_3"))),
)


def trajectories_of(folder: Path, figure: Figure = FIGURE) -> list[Trajectory]:
    path = folder / "metrics.csv"
    path.write_text(collect(folder.glob("*/seed_*")).to_csv(index=False))
    return read_trajectories(figure, read_runs(path), folder)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    make_run(tmp_path, AVERAGE, [0.5, 0.7, 0.6], seed=0, epoch_seconds=1.0)
    make_run(tmp_path, AVERAGE, [0.6, 0.7, 0.9], seed=1, epoch_seconds=3.0)
    make_run(tmp_path, MAX_2, [0.3, 0.4, 0.5], test_accuracy=0.9)
    make_run(tmp_path, MAX_3, [0.3, 0.6, 0.5], test_accuracy=0.1)
    return tmp_path


def test_a_curve_is_the_mean_over_seeds(runs: Path) -> None:
    average = trajectories_of(runs)[0]
    assert average.points["mean"].tolist() == pytest.approx([0.55, 0.7, 0.75])
    assert average.points["low"].tolist() == [0.5, 0.7, 0.6]
    assert average.points["high"].tolist() == [0.6, 0.7, 0.9]
    assert average.points["seconds"].tolist() == [2.0, 4.0, 6.0]
    assert average.summary == "0.750 at epoch 3"
    assert dataclasses.replace(average, x="seconds").summary == "0.750 after 6 s"


def test_a_curve_ends_where_the_first_seed_stopped(runs: Path) -> None:
    make_run(runs, AVERAGE, [0.6, 0.7], seed=2)
    curve = next(item for item in trajectories_of(runs) if item.seeds == 3)
    assert list(curve.points["epoch"]) == [1, 2]
    assert curve.is_cut


def test_measured_seconds_are_the_same_in_every_epoch(runs: Path) -> None:
    path = runs / "metrics.csv"
    measured = make_runtimes(
        {"avg_pool_2": [4.0, 9.0, 5.0], "max_pool_2": [1.0], "max_pool_3": [1.0]}
    )
    path.write_text(collect(runs.glob("*/seed_*"), measured).to_csv(index=False))
    average = read_trajectories(FIGURE, read_runs(path), runs)[0]
    assert average.points["seconds"].tolist() == [5.0, 10.0, 15.0]


def test_the_numbers_of_a_figure_are_a_row_for_each_point(runs: Path) -> None:
    points = numbers(trajectories_of(runs))
    assert list(points) == ["curve", "seeds", "epoch", "mean", "low", "high", "seconds"]
    assert (
        points["curve"].tolist()
        == ["Average"] * 3 + ["best Max, F\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}3"] * 3
    )
    assert (points["low"] == points["high"]).tolist() == [False, True, False] + [True] * 3


def test_of_several_variants_the_best_by_validation_is_drawn_and_named(runs: Path) -> None:
    best = trajectories_of(runs)[1]
    assert best.label.replace("\N{NO-BREAK SPACE}", " ") == "best Max, F = 3"
    assert best.paper == (12, 0.877)
    assert best.summary == "0.600 at epoch 2"


def test_the_earliest_of_equal_epochs_is_the_best(tmp_path: Path) -> None:
    make_run(tmp_path, AVERAGE, [0.5, 0.7, 0.7])
    figure = Figure("One", "epoch", (Curve("Average", ("avg_pool_2",)),))
    assert trajectories_of(tmp_path, figure)[0].summary == "0.700 at epoch 2"


def test_a_curve_without_runs_is_an_error(runs: Path) -> None:
    figure = Figure("Stride", "epoch", (Curve("Stride", ("stride_2",)),))
    with pytest.raises(UserError, match="'Stride' has no finished run of stride_2"):
        trajectories_of(runs, figure)


def test_a_method_keeps_its_colour_and_its_curves_differ(runs: Path) -> None:
    curves = tuple(Curve(name, (name,)) for name in ("max_pool_2", "avg_pool_2", "max_pool_3"))
    figure = Figure("All", "epoch", curves)
    axes = draw(trajectories_of(runs, figure), "Conditions").axes[0]
    by_name = {line.get_label(): line for line in axes.get_lines()}
    max_2, average, max_3 = (by_name[curve.label] for curve in curves)
    assert max_2.get_color() == max_3.get_color() == METHODS["max_pool"].colour
    assert average.get_color() == METHODS["avg_pool"].colour
    assert max_2.get_linestyle() != max_3.get_linestyle()
    assert len({method.colour for method in METHODS.values()}) == len(METHODS)
    assert len({method.marker for method in METHODS.values()}) == len(METHODS)


@pytest.mark.parametrize("x", ["epoch", "seconds"])
@pytest.mark.parametrize("epochs", [1, 2, 100])
def test_any_number_of_epochs_can_be_drawn(tmp_path: Path, x: str, epochs: int) -> None:
    make_run(tmp_path, AVERAGE, np.linspace(0.5, 0.88, epochs).round(3).tolist())
    figure = Figure("One", x, (Curve("Average", ("avg_pool_2",)),))  # type: ignore[arg-type]
    axes = draw(trajectories_of(tmp_path, figure), "Conditions").axes[0]
    (best,) = (line for line in axes.get_lines() if line.get_markersize() == 7)
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    position = epochs if x == "epoch" else 2.0 * epochs
    assert best.get_xdata() == [position]
    assert left < position < right
    assert bottom < best.get_ydata()[0] < top


def test_files_are_the_same_each_time_and_say_what_they_show(runs: Path, tmp_path: Path) -> None:
    use_style()
    trajectories = trajectories_of(runs)
    digests = []
    for attempt in ("first", "second"):
        words = describe(trajectories, "Made-up < real")
        drawing = draw(trajectories, words["footnote"])
        save_figure(drawing, str(tmp_path / attempt), "Max & average", words["description"])
        digests.append(hashlib.sha256((tmp_path / f"{attempt}.svg").read_bytes()).hexdigest())
    assert digests[0] == digests[1]
    svg = ElementTree.parse(tmp_path / "first.svg").getroot()
    assert svg.findtext(f"{SVG}title") == "Max & average"
    assert svg.findtext(f"{SVG}desc") == (
        "Validation accuracy over epochs. Average: best 0.750 at epoch 3 (paper 0.881 at epoch "
        "28); best Max, F\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}3: best 0.600 at epoch 2 (paper "
        f"0.877 at epoch 12). {words['footnote']}"
    )
    assert not svg.findall(f".//{SVG}text")  # letters are outlines: no font is needed
    with Image.open(tmp_path / "first.png") as png:
        assert png.width > 800


def rings(axes: Axes) -> list[tuple[float, float]]:
    """Positions of the paper's points."""
    lines = [line for line in axes.get_lines() if line.get_fillstyle() == "none"]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]  # type: ignore[index]


@pytest.mark.parametrize(
    ("x", "expected"),
    [("epoch", [(28, 0.881), (12, 0.877)]), ("seconds", [(504, 0.881)])],
)
def test_rings_are_the_papers_points(runs: Path, x: str, expected: list[tuple[int, float]]) -> None:
    figure = dataclasses.replace(FIGURE, x=x)
    axes = draw(trajectories_of(runs, figure), "Conditions").axes[0]
    assert rings(axes) == expected
    left, right = axes.get_xlim()
    assert all(left <= at <= right for at, _ in expected)


def test_other_peoples_curves_are_under_ours(runs: Path) -> None:
    average = trajectories_of(runs)[0]
    known = pd.read_csv(PRIOR / "curves.csv").set_index("run_key")
    assert len(average.others) == 10
    first = average.others[0]
    expected = known.loc[first["run_key"].iloc[0]].set_index("epoch")["val_acc"]
    assert first.set_index("epoch")["val_acc"].to_dict() == expected.to_dict()
    assert "Thin lines: 10 runs of other people" in describe([average], "")["footnote"]


@pytest.mark.parametrize("epochs", [3, 20, 100])
@pytest.mark.parametrize("seeds", [1, 2])
def test_labels_do_not_overlap_and_are_legible(tmp_path: Path, epochs: int, seeds: int) -> None:
    use_style()
    names = ("max_pool_2", "max_pool_3", "avg_pool_2", "avg_pool_3", "stride_2", "no_pooling")
    for name in names:
        method = name.rstrip("_23")
        variant = Variant(name, method)  # type: ignore[arg-type]
        for seed in range(seeds):  # all curves end at the same accuracy
            make_run(tmp_path, variant, [0.8, *[0.87] * (epochs - 1)], seed=seed)
    figure = Figure("All", "epoch", tuple(Curve(name, (name,)) for name in names))
    drawing = draw(trajectories_of(tmp_path, figure), "Conditions")
    drawing.draw_without_rendering()
    (axes,) = drawing.axes
    assert not axes.get_title()  # the page has it
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert len(boxes) == len(names)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert not any(box.overlaps(axes.get_window_extent()) for box in boxes)
    assert all(contrast(text.get_color(), "white") >= CONTRAST for text in axes.texts)


def test_the_caption_says_what_is_cut_off(tmp_path: Path) -> None:
    make_run(tmp_path, AVERAGE, [0.2, *np.linspace(0.85, 0.88, 19).round(3).tolist()])
    figure = Figure("One", "epoch", (Curve("Average", ("avg_pool_2",)),))
    trajectories = trajectories_of(tmp_path, figure)
    bottom = draw(trajectories, "Conditions").axes[0].get_ylim()[0]
    assert bottom > 0.8
    assert (
        f"Epochs below {bottom:.3f}, in the first climb, are cut off."
        in describe(trajectories, "")["footnote"]
    )


def test_pooling_of_a_known_image() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[0, 0], image[1, 1] = 255, 51  # 1 and 0.2, both in the first window
    assert pooled(image, "Max", "F = 2")[0, 0] == pytest.approx(1)
    assert pooled(image, "Average", "F = 2")[0, 0] == pytest.approx(1.2 / 4)
    assert pooled(image, "Average", "F = 3")[0, 0] == pytest.approx(1.2 / 9)
    assert pooled(image, "Max+Average", "F = 3")[0, 0] == pytest.approx(1 + 1.2 / 9)
    # 2, then 3: (1 + 0.3), and of nine such values the largest and the mean
    assert pooled(image, "Max+Average", "F = 2→3")[0, 0] == pytest.approx(1.3 + 1.3 / 9)
    shapes = [pooled(image, "Max", size).shape for size in ("F = 2", "F = 3", "F = 2→3")]
    assert shapes == [(14, 14), (9, 9), (4, 4)]


def test_every_pooling_has_its_panel() -> None:
    drawing = draw_pooling(np.eye(28, dtype=np.uint8), "Remark")
    shown = [axes.images[0].get_array() for axes in drawing.axes if axes.images]
    widths = sorted(array.shape[0] for array in shown if array is not None)
    assert widths == [4, 4, 4, 9, 9, 9, 14, 14, 14, 28]
