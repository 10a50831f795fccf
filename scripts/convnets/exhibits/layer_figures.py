"""Figures 1 to 5 and 7: how the layers compute, drawn from the hand-written ones."""

from collections.abc import Callable
from functools import partial

import numpy as np
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle

from convnets.core.files import ROOT
from convnets.exhibits.style import FONT_SIZE, SMALL, WIDTH
from convnets.layers.convolution_im2col import Im2colConvolution, im2col
from convnets.layers.layer import Layer
from convnets.layers.pooling import AveragePooling, MaxPooling
from convnets.layers.window import Window

IMAGE = np.array(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1.0]]
).reshape(1, 1, 5, 5)
KERNEL = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2.0]]).reshape(1, 1, 3, 3)
"""Image and kernel of Dumoulin and Visin, whose drawings the paper shows."""
PLACE = (1, 2)
"""Row and column of the output that is shaded, with the inputs that it is computed from."""
DILATIONS = (1, 2, 4)
LIGHT_BLUE, BLUE = "#d6eaf8", "#85c1e9"
LIGHT_GREEN, GREEN = "#d4efdf", "#7dcea0"
ORANGE = "#D55E00"
LABEL = 7
"""Size of the labels of rows and columns, in points."""


def draw_convolution(padding: int) -> Drawing:
    """Figure 1: a 3 x 3 kernel on a 5 x 5 input; Figure 2: padded with zeros to keep the size."""
    inputs = Window((3, 3), padding=padding).pad(IMAGE)
    drawing, (left, middle, right) = _panels(5 + 2 * padding, 3, 3 + 2 * padding)
    _draw_input(left, inputs, padding)
    _cells(middle, KERNEL[0, 0], "Kernel, 3×3", "white")
    _draw_output(right, Im2colConvolution(KERNEL), inputs)
    return drawing


def draw_max_pooling() -> Drawing:
    """Figure 3: maxima of 3 x 3 windows, and the pixel that gets the gradient of one."""
    layer = MaxPooling(3, stride=1)
    drawing, (left, right) = _panels(5, 3)
    _draw_input(left, IMAGE)
    row, column = np.argwhere(reached(layer, IMAGE))[0]
    left.add_patch(
        Rectangle((column, row), 1, 1, fill=False, edgecolor=ORANGE, linewidth=2, zorder=3)
    )
    _draw_output(right, layer, IMAGE)
    return drawing


def draw_columns() -> Drawing:
    """Figure 4: each window of the image becomes a column."""
    columns = im2col(IMAGE, Window((3, 3)))
    drawing, (left, right) = _panels(5, 9)
    _draw_input(left, IMAGE)
    shaded = np.zeros(columns.shape, bool)
    shaded[:, 3 * PLACE[0] + PLACE[1]] = True
    _cells(right, columns, "Columns, 9×9", np.where(shaded, BLUE, LIGHT_BLUE))
    places = [f"{row},{column}" for row in (1, 2, 3) for column in (1, 2, 3)]
    right.set_axis_on()
    right.spines[:].set_visible(False)
    right.set_xticks(np.arange(9) + 0.5, places)
    right.set_yticks(np.arange(9) + 0.5, places)
    right.tick_params(length=0, pad=1, labelsize=LABEL)
    right.set_xlabel("place i,j of the window", fontsize=LABEL)
    right.set_ylabel("element k,l of the kernel", fontsize=LABEL)
    return drawing


def draw_matrix_product() -> Drawing:
    """Figure 5: two kernels as rows, times the columns, are two outputs as rows."""
    kernels = np.concatenate([KERNEL, KERNEL[:, :, :, ::-1]])
    rows = kernels.reshape(2, -1)
    columns = im2col(IMAGE, Window((3, 3)))
    outputs = Im2colConvolution(kernels).fprop(IMAGE)[0].reshape(2, -1)
    place = 3 * PLACE[0] + PLACE[1]
    of_row, of_column, of_output = (np.zeros(m.shape, bool) for m in (rows, columns, outputs))
    of_row[0], of_column[:, place], of_output[0, place] = True, True, True
    drawing, (left, middle, right) = _panels(9, 9, 9)
    _cells(left, rows, "Kernels, 2×9", np.where(of_row, "0.8", "white"))
    _cells(middle, columns, "× columns, 9×9", np.where(of_column, BLUE, LIGHT_BLUE))
    _cells(right, outputs, "= outputs, 2×9", np.where(of_output, GREEN, LIGHT_GREEN))
    return drawing


def draw_dilated_kernels() -> Drawing:
    """Figure 7: the pixels that a 3 x 3 kernel meets, by its dilation."""
    size = 2 * max(DILATIONS) + 1
    pixels = np.ones((1, 1, size, size))
    drawing, panels = _panels(*[size] * len(DILATIONS))
    for axes, dilation in zip(panels, DILATIONS, strict=True):
        layer = Im2colConvolution(np.ones((1, 1, 3, 3)), padding=dilation, dilation=dilation)
        met = reached(layer, pixels, (size // 2, size // 2))
        _cells(
            axes, np.full(met.shape, np.nan), f"Dilation {dilation}", np.where(met, BLUE, "white")
        )
    return drawing


FIGURES: dict[str, Callable[[], Drawing]] = {
    "figure_01": partial(draw_convolution, padding=0),
    "figure_02": partial(draw_convolution, padding=1),
    "figure_03": draw_max_pooling,
    "figure_04": draw_columns,
    "figure_05": draw_matrix_product,
    "figure_07": draw_dilated_kernels,
}
"""By name. Figure 6 is in `pooling_figure`."""
WORDS: dict[str, dict[str, str]] = yaml.safe_load(
    (ROOT / "report/texts/layer_figures.yaml").read_text(encoding="utf-8")
)
"""Titles and descriptions by name."""


def reached(layer: Layer, inputs: np.ndarray, place: tuple[int, int] = PLACE) -> np.ndarray:
    """Whether each input (height, width) receives gradient from the output at `place`."""
    outputs = layer.fprop(inputs)
    grads = np.zeros_like(outputs)
    grads[0, 0, *place] = 1
    return layer.bprop(inputs, outputs, grads)[0, 0] != 0


def input_title(inputs: np.ndarray, padding: int) -> str:
    """The size of `inputs` without `padding`, and the padding."""
    size = inputs.shape[-1] - 2 * padding
    return f"Input, {size}×{size}" + (f", padding {padding}" if padding else "")


def _draw_input(axes: Axes, inputs: np.ndarray, padding: int = 0) -> None:
    """Draw `inputs`, of which `padding` at each edge is white, with the 3 x 3 window shaded."""
    size = inputs.shape[-1]
    colours = np.full((size, size), "white", dtype="U7")
    inside = slice(padding, size - padding)
    colours[inside, inside] = LIGHT_BLUE
    colours[reached(AveragePooling(3, stride=1), inputs)] = BLUE
    _cells(axes, inputs[0, 0], input_title(inputs, padding), colours)


def _draw_output(axes: Axes, layer: Layer, inputs: np.ndarray) -> None:
    outputs = layer.fprop(inputs)[0, 0]
    colours = np.full(outputs.shape, LIGHT_GREEN)
    colours[PLACE] = GREEN
    _cells(axes, outputs, f"Output, {len(outputs)}×{len(outputs)}", colours)


def _panels(*columns: int) -> tuple[Drawing, list[Axes]]:
    """Panels side by side for grids of so many columns, with cells of one size, and no axes."""
    height = WIDTH * max(columns) / (sum(columns) + len(columns)) + 4 * FONT_SIZE / 72
    drawing = Drawing(figsize=(WIDTH, height), layout="constrained")
    panels = drawing.subplots(1, len(columns), width_ratios=columns)
    for axes in panels:
        axes.set_axis_off()
        axes.set_aspect("equal")
    return drawing, list(panels)


def _cells(axes: Axes, values: np.ndarray, title: str, colours: np.ndarray | str) -> None:
    """Draw a grid of `values` (rows, columns) on `colours`, without a number where one is NaN."""
    rows, columns = values.shape
    for (row, column), colour in np.ndenumerate(np.broadcast_to(colours, values.shape)):
        axes.add_patch(
            Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="0.4", linewidth=0.6)
        )
        if not np.isnan(values[row, column]):
            number = f"{values[row, column]:.0f}"
            axes.text(column + 0.5, row + 0.55, number, ha="center", va="center", fontsize=SMALL)
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.set_title(title, fontsize=SMALL)
