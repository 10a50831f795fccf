"""Figures 1 to 5 and 7: how the layers compute, drawn from the hand-written ones."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle

from convnets.core.files import ROOT
from convnets.exhibits.animation import Mark, Panel, Place
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
COLUMN = 3 * PLACE[0] + PLACE[1]
"""Its column among those of im2col."""
DILATIONS = (1, 2, 4)
LIGHT_BLUE, BLUE = "#d6eaf8", "#85c1e9"
LIGHT_GREEN, GREEN = "#d4efdf", "#7dcea0"
ORANGE = "#D55E00"
LABEL = 7
"""Size of the labels of rows and columns, in points."""


def draw_convolution(padding: int) -> Drawing:
    """Figure 1: a 3 x 3 kernel on a 5 x 5 input; Figure 2: padded with zeros to keep the size."""
    inputs = Window((3, 3), padding=padding).pad(IMAGE)
    outputs = Im2colConvolution(KERNEL).fprop(inputs)[0, 0]
    kernel = Panel("Kernel, 3×3", KERNEL[0, 0], "white", [[]])
    windows = [[Mark(cell, BLUE) for cell in window(inputs)]]
    return draw(input_panel(inputs, windows, padding), kernel, output_panel(outputs))[0]


def draw_max_pooling() -> Drawing:
    """Figure 3: maxima of 3 x 3 windows, and the pixel that gets the gradient of one."""
    layer = MaxPooling(3, stride=1)
    achieved = cells(reached(layer, IMAGE))
    windows = [[Mark(cell, BLUE, framed=cell in achieved) for cell in window(IMAGE)]]
    return draw(input_panel(IMAGE, windows), output_panel(layer.fprop(IMAGE)[0, 0]))[0]


def draw_columns() -> Drawing:
    """Figure 4: each window of the image becomes a column."""
    windows = [[Mark(cell, BLUE) for cell in window(IMAGE)]]
    drawing, (_, right) = draw(input_panel(IMAGE, windows), _columns("Columns, 9×9"))
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
    outputs = Im2colConvolution(kernels).fprop(IMAGE)[0].reshape(2, -1)
    row = [Mark((0, column), "0.8") for column in range(9)]
    return draw(
        Panel("Kernels, 2×9", kernels.reshape(2, -1), "white", [row]),
        _columns("× columns, 9×9"),
        Panel("= outputs, 2×9", outputs, LIGHT_GREEN, [[Mark((0, COLUMN), GREEN)]]),
    )[0]


def draw_dilated_kernels() -> Drawing:
    """Figure 7: the pixels that a 3 x 3 kernel meets, by its dilation."""
    size = 2 * max(DILATIONS) + 1
    pixels, panels = np.ones((1, 1, size, size)), []
    for dilation in DILATIONS:
        layer = Im2colConvolution(np.ones((1, 1, 3, 3)), padding=dilation, dilation=dilation)
        met = cells(reached(layer, pixels, (size // 2, size // 2)))
        marks, blank = [Mark(cell, BLUE) for cell in met], np.full((size, size), np.nan)
        panels.append(Panel(f"Dilation {dilation}", blank, "white", [marks]))
    return draw(*panels)[0]


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


def cells(mask: np.ndarray) -> list[Place]:
    """Row and column of each pixel that `mask` has."""
    return [(int(row), int(column)) for row, column in np.argwhere(mask)]


def window(inputs: np.ndarray, place: Place = PLACE) -> list[Place]:
    """The pixels of the 3 x 3 window at `place`, rows before columns."""
    return cells(reached(AveragePooling(3, stride=1), inputs, place))


def input_panel(inputs: np.ndarray, windows: list[list[Mark]], padding: int = 0) -> Panel:
    """The `inputs`, `padding` at each edge of them white, with a window shaded in each frame."""
    size = inputs.shape[-1] - 2 * padding
    title = f"Input, {size}×{size}" + (f", padding {padding}" if padding else "")
    return Panel(title, inputs[0, 0], LIGHT_BLUE, windows, padding)


def output_panel(outputs: np.ndarray, places: Sequence[Place] = (PLACE,)) -> Panel:
    """The `outputs`, one of them shaded in each frame."""
    title, shaded = f"Output, {len(outputs)}×{len(outputs)}", [[Mark(p, GREEN)] for p in places]
    return Panel(title, outputs, LIGHT_GREEN, shaded)


def _columns(title: str) -> Panel:
    marks = [Mark((row, COLUMN), BLUE) for row in range(9)]
    return Panel(title, im2col(IMAGE, Window((3, 3))), LIGHT_BLUE, [marks])


def draw(*panels: Panel) -> tuple[Drawing, list[Axes]]:
    """The first frames of panels side by side, with cells of one size, and no axes."""
    columns = [panel.values.shape[1] for panel in panels]
    height = WIDTH * max(columns) / (sum(columns) + len(columns)) + 4 * FONT_SIZE / 72
    drawing = Drawing(figsize=(WIDTH, height), layout="constrained")
    grids = list(drawing.subplots(1, len(columns), width_ratios=columns))
    for axes, panel in zip(grids, panels, strict=True):
        axes.set_axis_off()
        axes.set_aspect("equal")
        shades = {mark.place: mark.colour for mark in panel.frames[0]}
        for (row, column), value in panel.cells():
            colour = shades.get((row, column), panel.colour_at((row, column)))
            axes.add_patch(
                Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="0.4", linewidth=0.6)
            )
            if not np.isnan(value):
                at = (column + 0.5, row + 0.55)
                axes.text(*at, f"{value:.0f}", ha="center", va="center", fontsize=SMALL)
        for row, column in (mark.place for mark in panel.frames[0] if mark.framed):
            axes.add_patch(
                Rectangle((column, row), 1, 1, fill=False, edgecolor=ORANGE, linewidth=2, zorder=3)
            )
        axes.set(xlim=(0, panel.values.shape[1]), ylim=(len(panel.values), 0))
        axes.set_title(panel.title, fontsize=SMALL)
    return drawing, grids
