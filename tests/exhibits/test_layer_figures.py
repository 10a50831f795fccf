"""Figures 1 to 5 and 7: what they show, and the files they become."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from convnets.exhibits.layer_figures import (
    BLUE,
    FIGURES,
    GREEN,
    IMAGE,
    KERNEL,
    ORANGE,
    PLACE,
    WORDS,
    met_by,
)
from convnets.exhibits.style import save_figure, use_style
from convnets.layers.pooling import MaxPooling

OUTPUT = [[12, 12, 17], [10, 17, 19], [9, 6, 14]]
"""What Dumoulin and Visin print for this image and kernel."""


def numbers(axes: Axes) -> np.ndarray:
    """The numbers in the cells, row by row."""
    cells = {
        (int(text.get_position()[1]), int(text.get_position()[0])): int(text.get_text())
        for text in axes.texts
    }
    rows, columns = (max(index) + 1 for index in zip(*cells, strict=True))
    return np.array([[cells[row, column] for column in range(columns)] for row in range(rows)])


def coloured(axes: Axes, colour: str) -> set[tuple[int, int]]:
    """Row and column of the cells of a colour."""
    return {
        (int(cell.get_y()), int(cell.get_x()))
        for cell in axes.patches
        if isinstance(cell, Rectangle) and to_hex(cell.get_facecolor()) == colour
    }


def panels(number: int) -> list[Axes]:
    return FIGURES[f"figure_0{number}"]().axes


def test_figure_1_is_the_convolution_that_was_published() -> None:
    image, kernel, output = panels(1)
    np.testing.assert_array_equal(numbers(image), IMAGE[0, 0])
    np.testing.assert_array_equal(numbers(kernel), KERNEL[0, 0])
    np.testing.assert_array_equal(numbers(output), OUTPUT)
    ((row, column),) = coloured(output, GREEN)
    assert coloured(image, BLUE) == {(row + u, column + v) for u in range(3) for v in range(3)}


def test_figure_2_keeps_the_size_and_holds_figure_1() -> None:
    image, kernel, output = panels(2)
    np.testing.assert_array_equal(numbers(kernel), KERNEL[0, 0])
    np.testing.assert_array_equal(numbers(image), np.pad(IMAGE[0, 0], 1))
    assert numbers(output).shape == (5, 5)
    np.testing.assert_array_equal(numbers(output)[1:4, 1:4], OUTPUT)


def test_figure_3_frames_the_maximum_of_the_shaded_window() -> None:
    image, output = panels(3)
    assert numbers(output).tolist() == [[3, 3, 3], [3, 3, 3], [3, 2, 3]]
    (frame,) = (p for p in image.patches if to_hex(p.get_edgecolor()) == ORANGE.lower())
    assert isinstance(frame, Rectangle)
    row, column = int(frame.get_y()), int(frame.get_x())
    window = coloured(image, BLUE)
    assert (row, column) in window
    assert numbers(image)[row, column] == max(numbers(image)[cell] for cell in window)


def test_figure_4_has_the_shaded_window_as_its_shaded_column() -> None:
    image, columns = panels(4)
    ((column,),) = ({c for _, c in coloured(columns, BLUE)},)
    window = [numbers(image)[cell] for cell in sorted(coloured(image, BLUE))]
    assert numbers(columns)[:, column].tolist() == window


def test_figure_4_labels_rows_by_element_and_columns_by_place() -> None:
    image, columns = panels(4)
    places = [text.get_text() for text in columns.get_xticklabels()]
    elements = [text.get_text() for text in columns.get_yticklabels()]
    for (row, column), value in np.ndenumerate(numbers(columns)):
        k, l = map(int, elements[row].split(","))  # noqa: E741
        i, j = map(int, places[column].split(","))
        assert value == numbers(image)[k + i - 2, l + j - 2]  # equation 1, from 0


def test_figure_5_is_a_matrix_product() -> None:
    kernels, columns, outputs = map(numbers, panels(5))
    np.testing.assert_array_equal(kernels @ columns, outputs)
    np.testing.assert_array_equal(columns, numbers(panels(4)[1]))
    np.testing.assert_array_equal(outputs[0], np.ravel(OUTPUT))
    assert (outputs[0] != outputs[1]).any()


def test_figure_7_has_nine_pixels_further_and_further_apart() -> None:
    for axes, dilation in zip(panels(7), (1, 2, 4), strict=True):
        steps = (4 - dilation, 4, 4 + dilation)
        assert coloured(axes, BLUE) == {(row, column) for row in steps for column in steps}


def test_one_input_is_reached_through_a_maximum() -> None:
    assert len(met_by(MaxPooling(3, stride=1), IMAGE, PLACE)) == 1


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_becomes_two_files(name: str, tmp_path: Path) -> None:
    use_style()
    save_figure(FIGURES[name](), str(tmp_path / "figure"), **WORDS[name])
    assert WORDS[name]["description"] in (tmp_path / "figure.svg").read_text()
    assert (tmp_path / "figure.png").stat().st_size > 1000
