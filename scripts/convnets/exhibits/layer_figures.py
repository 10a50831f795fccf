"""Figures 1 to 5 and 7 and their animations: the hand-written layers draw how they compute."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import yaml
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle

from convnets.core.files import ROOT
from convnets.exhibits.animation import Animation, Mark, Panel, Place, animated_svg
from convnets.exhibits.style import FONT_SIZE, SMALL, WIDTH
from convnets.layers.convolution_im2col import Im2colConvolution, add_columns, im2col
from convnets.layers.layer import Layer
from convnets.layers.pooling import AveragePooling, MaxPooling
from convnets.layers.window import Window

IMAGE = np.array(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1.0]]
).reshape(1, 1, 5, 5)
KERNEL = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2.0]]).reshape(1, 1, 3, 3)
"""Image and kernel of Dumoulin and Visin, whose drawings the paper shows."""
WINDOW = Window((3, 3))
PLACES: list[Place] = list(np.ndindex(3, 3))
"""Rows and columns of the outputs for the unpadded image; each is a frame of an animation."""
PLACE = (1, 2)
"""Row and column of the output that a figure shades, with the inputs that it is computed from."""
FRAME = PLACES.index(PLACE)
DILATIONS = (1, 2, 4)
LIGHT_BLUE, BLUE = "#d6eaf8", "#85c1e9"
LIGHT_GREEN, GREEN = "#d4efdf", "#7dcea0"
ORANGE = "#D55E00"
LABEL = 7
"""Size of the labels of rows and columns, in points."""


def slide_convolution(padding: int) -> Animation:
    """The kernel slides over the windows of the image and, with padding, over its edge too."""
    inputs = Window((3, 3), padding=padding).pad(IMAGE)
    outputs = Im2colConvolution(KERNEL).fprop(inputs)[0, 0]
    places, weights = list(np.ndindex(outputs.shape)), KERNEL.ravel()
    windows, captions = [], []
    for place in places:
        met = window(inputs, place)
        windows.append([Mark(at, BLUE, f"×{w:.0f}") for at, w in zip(met, weights, strict=True)])
        pixels = [inputs[0, 0, *cell] for cell in met]
        products = [f"{x:.0f}·{w:.0f}" for x, w in zip(pixels, weights, strict=True)]
        lines = [" + ".join(products[row : row + 3]) for row in (0, 3, 6)]
        captions.append(" +\n".join(lines) + f" = {outputs[place]:.0f}")
    panels = [_input_panel(inputs, windows, padding), _output_panel(outputs, places)]
    still = (PLACE[0] + padding, PLACE[1] + padding)
    return Animation(panels, captions, places.index(still))


def draw_convolution(padding: int) -> Drawing:
    """Figure 1: a 3 x 3 kernel on a 5 x 5 input; Figure 2: padded with zeros to keep the size."""
    inputs, outputs = slide_convolution(padding).panels
    frame = int(np.ravel_multi_index(PLACE, outputs.values.shape))
    return draw(inputs, Panel("Kernel, 3×3", KERNEL[0, 0], "white"), outputs, frame=frame)


def slide_max_pooling() -> Animation:
    """Figure 3: the maximum of each window, and the pixel that receives its gradient."""
    layer = MaxPooling(3, stride=1)
    outputs = layer.fprop(IMAGE)[0, 0]
    windows, captions = [], []
    for place in PLACES:
        met, achieved = window(IMAGE, place), met_by(layer, IMAGE, place)
        windows.append([Mark(cell, BLUE, framed=cell in achieved) for cell in met])
        pixels = ", ".join(f"{IMAGE[0, 0, *cell]:.0f}" for cell in met)
        captions.append(f"max({pixels}) = {outputs[place]:.0f}")
    panels = [_input_panel(IMAGE, windows), _output_panel(outputs, PLACES)]
    return Animation(panels, captions, FRAME)


def slide_columns() -> Animation:
    """im2col copies each window of the image into a column."""
    columns = im2col(IMAGE, WINDOW)
    copied = [
        [
            Mark(cell, BLUE if cell[1] == index else LIGHT_BLUE, value=float(columns[cell]))
            for cell in np.ndindex(9, index + 1)
        ]
        for index in range(9)
    ]
    shaded = [[Mark(cell, BLUE) for cell in window(IMAGE, place)] for place in PLACES]
    panels = [_input_panel(IMAGE, shaded), _blank_panel("Columns, 9×9", 9, copied)]
    return Animation(panels, [f"window {n} becomes column {n}" for n in range(1, 10)], 8, size=20)


def slide_columns_back() -> Animation:
    """The reverse of `slide_columns`: col2im adds each column to the window it came from."""
    columns = im2col(IMAGE, WINDOW)
    added, covered, sums = [], set(), np.zeros(IMAGE.shape)
    for index, place in enumerate(PLACES):
        add_columns(columns * (np.arange(9) == index), WINDOW, sums)
        met = window(IMAGE, place)
        covered.update(met)
        colours = {cell: GREEN if cell in met else LIGHT_GREEN for cell in sorted(covered)}
        added.append([Mark(cell, colours[cell], value=sums[0, 0, *cell]) for cell in colours])
    shaded = [[Mark((row, index), BLUE) for row in range(9)] for index in range(9)]
    captions = [f"column {number} is added to window {number}" for number in range(1, 10)]
    copied = Panel("Columns, 9×9", columns, LIGHT_BLUE, shaded)
    return Animation([copied, _blank_panel("Sums, 5×5", 5, added)], captions, 8, size=20)


def draw_columns() -> Drawing:
    """Figure 4: each window of the image becomes a column."""
    inputs, columns = slide_columns().panels[0], slide_columns_back().panels[0]
    drawing = draw(inputs, columns)
    right = drawing.axes[1]
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
        Panel("Kernels, 2×9", kernels.reshape(2, -1), "white", [row] * 9),
        slide_columns_back().panels[0]._replace(title="× columns, 9×9"),
        Panel("= outputs, 2×9", outputs, LIGHT_GREEN, [[Mark((0, n), GREEN)] for n in range(9)]),
    )


def slide_dilated_kernels() -> Animation:
    """Kernels of three dilations, each on an input with nine places for it."""
    panels = []
    for dilation in DILATIONS:
        size = 2 * dilation + 3
        panel = _dilated_panel(dilation, size, PLACES)
        panels.append(panel._replace(title=f"{panel.title}, {size}×{size}"))
    captions = [f"output at row {row}, column {column}" for row, column in PLACES]
    return Animation(panels, captions, FRAME, size=27)


def draw_dilated_kernels() -> Drawing:
    """Figure 7: the pixels that a 3 x 3 kernel meets, by its dilation."""
    size, middle = 2 * max(DILATIONS) + 1, (max(DILATIONS), max(DILATIONS))
    panels = [_dilated_panel(dilation, size, [middle], dilation) for dilation in DILATIONS]
    return draw(*panels, frame=0)


FIGURES: dict[str, Callable[[], Drawing]] = {
    "figure_01": partial(draw_convolution, padding=0),
    "figure_02": partial(draw_convolution, padding=1),
    "figure_03": lambda: draw(*slide_max_pooling().panels),
    "figure_04": draw_columns,
    "figure_05": draw_matrix_product,
    "figure_07": draw_dilated_kernels,
}
"""By name. Figure 6 is in `scripts/draw_pooling.py`."""
ANIMATIONS: dict[str, Callable[[], Animation]] = {
    "figure_01": partial(slide_convolution, padding=0),
    "figure_02": partial(slide_convolution, padding=1),
    "figure_03": slide_max_pooling,
    "figure_04": slide_columns,
    "columns_back": slide_columns_back,
    "figure_07": slide_dilated_kernels,
}
"""By the name of the figure, if there is one."""
WORDS: dict[str, dict[str, str]] = yaml.safe_load(
    (ROOT / "report/texts/layer_figures.yaml").read_text(encoding="utf-8")
)
"""Titles and descriptions by name."""


def animated(name: str) -> str:
    """The animation `name` as SVG, for a file or for a page."""
    return animated_svg(name, ANIMATIONS[name](), **WORDS[f"{name}_animated"])


def met_by(layer: Layer, inputs: np.ndarray, place: Place) -> list[Place]:
    """The inputs that receive gradient from the output at `place`, rows before columns."""
    outputs = layer.fprop(inputs)
    grads = np.zeros_like(outputs)
    grads[0, 0, *place] = 1
    reached = layer.bprop(inputs, outputs, grads)[0, 0] != 0
    return [(int(row), int(column)) for row, column in np.argwhere(reached)]


def window(inputs: np.ndarray, place: Place) -> list[Place]:
    """The pixels of the 3 x 3 window at `place`."""
    return met_by(AveragePooling(3, stride=1), inputs, place)


def draw(*panels: Panel, frame: int = FRAME) -> Drawing:
    """A frame of `panels` side by side, with cells of one size."""
    columns = [panel.values.shape[1] for panel in panels]
    height = WIDTH * max(columns) / (sum(columns) + len(columns)) + 4 * FONT_SIZE / 72
    drawing = Drawing(figsize=(WIDTH, height), layout="constrained")
    grids = drawing.subplots(1, len(columns), width_ratios=columns)
    for axes, panel in zip(grids, panels, strict=True):
        axes.set_axis_off()
        axes.set_aspect("equal")
        marks = panel.frames[frame] if panel.frames else []
        shades = {mark.place: mark.colour for mark in marks}
        for (row, column), value, colour in panel.cells():
            shade = shades.get((row, column), colour)
            look: dict[str, Any] = {"facecolor": shade, "edgecolor": "0.4", "linewidth": 0.6}
            axes.add_patch(Rectangle((column, row), 1, 1, **look))
            if not np.isnan(value):
                at = (column + 0.5, row + 0.55)
                axes.text(*at, f"{value:.0f}", ha="center", va="center", fontsize=SMALL)
        for row, column in (mark.place for mark in marks if mark.framed):
            look = {"fill": False, "edgecolor": ORANGE, "linewidth": 2, "zorder": 3}
            axes.add_patch(Rectangle((column, row), 1, 1, **look))
        axes.set(xlim=(0, panel.values.shape[1]), ylim=(len(panel.values), 0))
        axes.set_title(panel.title, fontsize=SMALL)
    return drawing


def _input_panel(inputs: np.ndarray, windows: list[list[Mark]], padding: int = 0) -> Panel:
    """The `inputs`, `padding` at each edge of them white, with a window shaded in each frame."""
    size = inputs.shape[-1] - 2 * padding
    title = f"Input, {size}×{size}" + (f", padding {padding}" if padding else "")
    return Panel(title, inputs[0, 0], LIGHT_BLUE, windows, padding)


def _output_panel(outputs: np.ndarray, places: Sequence[Place]) -> Panel:
    """The `outputs`, one of them shaded in each frame."""
    title, shaded = f"Output, {len(outputs)}×{len(outputs)}", [[Mark(p, GREEN)] for p in places]
    return Panel(title, outputs, LIGHT_GREEN, shaded)


def _blank_panel(title: str, size: int, frames: list[list[Mark]]) -> Panel:
    """A white square without numbers of its own."""
    return Panel(title, np.full((size, size), np.nan), "white", frames)


def _dilated_panel(dilation: int, size: int, places: Sequence[Place], padding: int = 0) -> Panel:
    """A square of `size`, with the pixels shaded that a 3 x 3 kernel meets at each of `places`."""
    layer = Im2colConvolution(np.ones((1, 1, 3, 3)), padding=padding, dilation=dilation)
    pixels = np.ones((1, 1, size, size))
    met = [[Mark(cell, BLUE) for cell in met_by(layer, pixels, place)] for place in places]
    return _blank_panel(f"Dilation {dilation}", size, met)
