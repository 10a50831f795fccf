"""Animations of Figures 1 to 4 and 7 and of im2col's way back, from the hand-written layers."""

from collections.abc import Callable
from functools import partial

import numpy as np

from convnets.exhibits.animation import Animation, Mark, Panel, Place
from convnets.exhibits.layer_figures import (
    BLUE,
    DILATIONS,
    GREEN,
    IMAGE,
    KERNEL,
    LIGHT_BLUE,
    LIGHT_GREEN,
    PLACE,
    cells,
    input_panel,
    output_panel,
    reached,
    window,
)
from convnets.layers.convolution_im2col import Im2colConvolution, add_columns, im2col
from convnets.layers.pooling import MaxPooling
from convnets.layers.window import Window

WINDOW = Window((3, 3))
PLACES: list[Place] = list(np.ndindex(3, 3))


def slide_convolution(padding: int) -> Animation:
    """Figure 1: the kernel slides over the windows of the image; Figure 2: over its edge too."""
    inputs = Window((3, 3), padding=padding).pad(IMAGE)
    outputs = Im2colConvolution(KERNEL).fprop(inputs)[0, 0]
    places, weights = list(np.ndindex(outputs.shape)), KERNEL.ravel()
    windows, remarks = [], []
    for place in places:
        met = window(inputs, place)
        windows.append([Mark(at, BLUE, f"×{w:.0f}") for at, w in zip(met, weights, strict=True)])
        pixels = [inputs[0, 0, *cell] for cell in met]
        products = [f"{x:.0f}·{w:.0f}" for x, w in zip(pixels, weights, strict=True)]
        lines = [" + ".join(products[row : row + 3]) for row in (0, 3, 6)]
        remarks.append(" +\n".join(lines) + f" = {outputs[place]:.0f}")
    panels = [input_panel(inputs, windows, padding), output_panel(outputs, places)]
    still = (PLACE[0] + padding, PLACE[1] + padding)
    return Animation(panels, remarks, places.index(still))


def slide_max_pooling() -> Animation:
    """Figure 3: the maximum of each window, and the pixel that gets its gradient."""
    layer = MaxPooling(3, stride=1)
    outputs = layer.fprop(IMAGE)[0, 0]
    windows, remarks = [], []
    for place in PLACES:
        met, achieved = window(IMAGE, place), cells(reached(layer, IMAGE, place))
        windows.append([Mark(cell, BLUE, framed=cell in achieved) for cell in met])
        pixels = ", ".join(f"{IMAGE[0, 0, *cell]:.0f}" for cell in met)
        remarks.append(f"max({pixels}) = {outputs[place]:.0f}")
    panels = [input_panel(IMAGE, windows), output_panel(outputs, PLACES)]
    return Animation(panels, remarks, PLACES.index(PLACE))


def slide_columns() -> Animation:
    """Figure 4: im2col copies each window of the image into a column."""
    columns = im2col(IMAGE, WINDOW)
    copied = [
        [
            Mark(cell, BLUE if cell[1] == index else LIGHT_BLUE, value=float(columns[cell]))
            for cell in np.ndindex(9, index + 1)
        ]
        for index in range(9)
    ]
    shaded = [[Mark(cell, BLUE) for cell in window(IMAGE, place)] for place in PLACES]
    panels = [
        input_panel(IMAGE, shaded),
        Panel("Columns, 9×9", np.full((9, 9), np.nan), "white", copied),
    ]
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
    panels = [
        Panel("Columns, 9×9", columns, LIGHT_BLUE, shaded),
        Panel("Sums, 5×5", np.full((5, 5), np.nan), "white", added),
    ]
    remarks = [f"column {number} is added to window {number}" for number in range(1, 10)]
    return Animation(panels, remarks, 8, size=20)


def slide_dilated_kernels() -> Animation:
    """Figure 7: kernels of three dilations, each on an input that gives it nine places."""
    panels = []
    for dilation in DILATIONS:
        layer = Im2colConvolution(np.ones((1, 1, 3, 3)), dilation=dilation)
        size = layer.window.extent[0] + 2
        inputs = np.ones((1, 1, size, size))
        met = [[Mark(c, BLUE) for c in cells(reached(layer, inputs, p))] for p in PLACES]
        blank = np.full((size, size), np.nan)
        panels.append(Panel(f"Dilation {dilation}, {size}×{size}", blank, "white", met))
    remarks = [f"output at row {row}, column {column}" for row, column in PLACES]
    return Animation(panels, remarks, PLACES.index(PLACE), size=27)


ANIMATIONS: dict[str, Callable[[], Animation]] = {
    "figure_01": partial(slide_convolution, padding=0),
    "figure_02": partial(slide_convolution, padding=1),
    "figure_03": slide_max_pooling,
    "figure_04": slide_columns,
    "columns_back": slide_columns_back,
    "figure_07": slide_dilated_kernels,
}
"""By the name of the still figure, if there is one."""
