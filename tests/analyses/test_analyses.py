"""Analyses of trained networks: what they measure, and the figures they become."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from analyse import ANALYSES
from analysed_sweep import MAX_2, analyse, study_of, sweep
from convnets.analyses import accuracies, pareto
from convnets.analyses.curves import collect_curves
from convnets.analyses.pareto import apart, on_front
from convnets.analyses.study import load_runs
from convnets.config.schema import ANALYSIS_FIGURES
from convnets.core.templates import texts

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


def test_markers_are_moved_sideways_until_none_covers_another() -> None:
    points = np.array([[5.0, 0.0]] * 6 + [[5.0, 1.0], [40.0, 0.0]])
    moved = np.column_stack([apart(points, 6), points[:, 1]])
    distances = np.hypot(*(moved[:, None] - moved[None]).T)
    assert (distances[np.triu_indices(len(points), 1)] >= 6).all()
    assert moved[0, 0] == 5
    assert moved[-1, 0] == 40
    assert np.abs(moved[:7, 0] - 5).max() <= 24


def test_names_of_the_front_do_not_overlap(small: Path) -> None:
    _, drawing, _ = pareto.analyse(study_of(small))
    drawing.draw_without_rendering()
    for axes in drawing.axes:
        boxes = [Text.get_window_extent(text) for text in axes.texts]  # without its line
        assert len(boxes) > 0
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_a_variant_whose_interval_reaches_the_front_is_counted(small: Path) -> None:
    table, _, values = pareto.analyse(study_of(small))
    table = table.set_index("variant")
    # All have the same accuracy, and only the fully-connected network has more parameters.
    assert table["front_parameters"].tolist() == [False, True, True, True]
    assert table["open_parameters"].tolist() == [True, False, False, False]
    words = texts("analysis_pareto", **values, conditions="Conditions")
    assert "reaches the line: 1 by parameters" in words["description"]


def test_every_seed_and_the_papers_number_are_drawn(small: Path) -> None:
    study = study_of(small)
    table, drawing, _ = accuracies.analyse(study)
    (axes,) = drawing.axes
    rings = {
        round(float(line.get_ydata()[0])): float(line.get_xdata()[0])  # type: ignore[index]
        for line in axes.get_lines()
        if line.get_fillstyle() == "none"
    }
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == list(study.labels.values())
    assert rings == {0: 0.816, 1: 0.883, 2: 0.88, 3: 0.877}
    dots = [line for line in axes.get_lines() if line.get_markersize() == 3.5]
    assert [len(line.get_xdata()) for line in dots] == [2, 2, 2, 2]  # type: ignore[arg-type]
    assert table["test_accuracy"].notna().all()


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
