"""Animations of Figures 1 to 4 and 7 and of im2col's way back, from the hand-written layers."""

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
    reached,
)
from convnets.layers.convolution_im2col import Im2colConvolution, add_columns, im2col
from convnets.layers.pooling import AveragePooling, MaxPooling
from convnets.layers.window import Window


def slide_convolution() -> Animation:
    """Figure 1: the kernel slides over the nine windows of the image."""
    return _convolution(
        "A convolution, place by place",
        "A 3×3 kernel slides over a 5×5 input, rows before columns. At each of the nine places the "
        "products of its weights, small in the corners, and the shaded inputs add up to one "
        "output.",
        padding=0,
    )


def slide_padded_convolution() -> Animation:
    """Figure 2: the same over the edge of the image, with 25 places."""
    return _convolution(
        "A padded convolution, place by place",
        "The 3×3 kernel slides over the 5×5 input with a border of zeros. It has 25 places, so the "
        "output is 5×5 too.",
        padding=1,
    )


def slide_max_pooling() -> Animation:
    """Figure 3: the maximum of each window, and the pixel that gets its gradient."""
    layer = MaxPooling(3, stride=1)
    outputs = layer.fprop(IMAGE)[0, 0]
    places = list(np.ndindex(outputs.shape))
    maxima = [_cells(reached(layer, IMAGE, place)) for place in places]
    windows = [
        [Mark(cell, BLUE, framed=cell in achieved) for cell in _window(IMAGE, place)]
        for place, achieved in zip(places, maxima, strict=True)
    ]
    remarks = []
    for place in places:
        numbers = ", ".join(f"{IMAGE[0, 0, *cell]:.0f}" for cell in _window(IMAGE, place))
        remarks.append(f"max({numbers}) = {outputs[place]:.0f}")
    return Animation(
        "Max pooling, window by window",
        "A 3×3 window slides over a 5×5 input; the largest of its nine numbers is the output. The "
        "framed pixel is the first to reach it, and the only one to receive gradient.",
        [
            Panel("Input, 5×5", IMAGE[0, 0], LIGHT_BLUE, windows),
            Panel("Output, 3×3", outputs, LIGHT_GREEN, [[Mark(p, GREEN)] for p in places]),
        ],
        remarks,
        places.index(PLACE),
    )


def slide_columns() -> Animation:
    """Figure 4: im2col copies each window of the image into a column."""
    columns, places = im2col(IMAGE, WINDOW), list(np.ndindex(3, 3))
    copied = [
        [
            Mark(cell, BLUE if cell[1] == index else LIGHT_BLUE, value=float(columns[cell]))
            for cell in np.ndindex(9, index + 1)
        ]
        for index in range(len(places))
    ]
    return Animation(
        "Image to columns, window by window",
        "im2col copies the nine numbers of each 3×3 window of a 5×5 input, row by row, into a "
        "column. A pixel is copied once for each window that contains it.",
        [
            Panel("Input, 5×5", IMAGE[0, 0], LIGHT_BLUE, [_shaded(place) for place in places]),
            Panel("Columns, 9×9", np.full((9, 9), np.nan), "white", copied),
        ],
        [f"window {index} becomes column {index}" for index in range(1, 10)],
        len(places) - 1,
        text_size=20,
    )


def slide_columns_back() -> Animation:
    """The reverse of `slide_columns`: col2im adds each column to the window it came from."""
    columns, places = im2col(IMAGE, WINDOW), list(np.ndindex(3, 3))
    added, covered, sums = [], set(), np.zeros(IMAGE.shape)
    for index, place in enumerate(places):
        add_columns(columns * (np.arange(9) == index), WINDOW, sums)
        window = _window(IMAGE, place)
        covered.update(window)
        colours = {cell: GREEN if cell in window else LIGHT_GREEN for cell in sorted(covered)}
        added.append([Mark(cell, colours[cell], value=sums[0, 0, *cell]) for cell in colours])
    return Animation(
        "Columns to image, column by column",
        "col2im adds the nine numbers of each column to the pixels that im2col copied them from. "
        "A pixel in several windows receives several numbers, so the result is the input times "
        "the number of windows over each pixel.",
        [
            Panel(
                "Columns, 9×9", columns, LIGHT_BLUE,
                [[Mark((row, index), BLUE) for row in range(9)] for index in range(9)],
            ),
            Panel("Sums, 5×5", np.full((5, 5), np.nan), "white", added),
        ],
        [f"column {index} is added to window {index}" for index in range(1, 10)],
        len(places) - 1,
        text_size=20,
    )  # fmt: skip


def slide_dilated_kernels() -> Animation:
    """Figure 7: kernels of three dilations, each on an input that gives it nine places."""
    places = list(np.ndindex(3, 3))
    panels = []
    for dilation in DILATIONS:
        layer = Im2colConvolution(np.ones((1, 1, 3, 3)), dilation=dilation)
        size = layer.window.extent[0] + 2
        inputs = np.ones((1, 1, size, size))
        met = [[Mark(c, BLUE) for c in _cells(reached(layer, inputs, p))] for p in places]
        blank = np.full((size, size), np.nan)
        panels.append(Panel(f"Dilation {dilation}, {size}×{size}", blank, "white", met))
    return Animation(
        "Dilated kernels, place by place",
        "Three 3×3 kernels with dilations 1, 2 and 4 slide by one pixel at a time. Each has nine "
        "weights and nine places; the wider its gaps, the larger the input that it needs for them.",
        panels,
        [f"output at row {row}, column {column}" for row, column in places],
        places.index(PLACE),
        text_size=27,
    )


WINDOW = Window((3, 3))
ANIMATIONS = {
    "figure_01": slide_convolution,
    "figure_02": slide_padded_convolution,
    "figure_03": slide_max_pooling,
    "figure_04": slide_columns,
    "columns_back": slide_columns_back,
    "figure_07": slide_dilated_kernels,
}
"""By the name of the still figure, if there is one."""


def _convolution(title: str, description: str, padding: int) -> Animation:
    layer = Im2colConvolution(KERNEL)
    inputs = Window((3, 3), padding=padding).pad(IMAGE)
    outputs = layer.fprop(inputs)[0, 0]
    places = list(np.ndindex(outputs.shape))
    weights = KERNEL.ravel()
    windows = [
        [
            Mark(cell, BLUE, f"×{weight:.0f}")
            for cell, weight in zip(_window(inputs, place), weights, strict=True)
        ]
        for place in places
    ]
    remarks = []
    for place in places:
        pixels = [inputs[0, 0, *cell] for cell in _window(inputs, place)]
        products = [f"{x:.0f}·{w:.0f}" for x, w in zip(pixels, weights, strict=True)]
        lines = [" + ".join(products[row : row + 3]) for row in (0, 3, 6)]
        remarks.append(" +\n".join(lines) + f" = {outputs[place]:.0f}")
    of_output = [[Mark(place, GREEN)] for place in places]
    size = len(outputs)
    panels = [
        Panel(_input_title(padding), inputs[0, 0], LIGHT_BLUE, windows, padding),
        Panel(f"Output, {size}×{size}", outputs, LIGHT_GREEN, of_output),
    ]
    still = (PLACE[0] + padding, PLACE[1] + padding)
    return Animation(title, description, panels, remarks, places.index(still))


def _input_title(padding: int) -> str:
    return "Input, 5×5" + (f", padding {padding}" if padding else "")


def _shaded(place: Place) -> list[Mark]:
    return [Mark(cell, BLUE) for cell in _window(IMAGE, place)]


def _window(inputs: np.ndarray, place: Place) -> list[Place]:
    """The pixels of the 3 x 3 window at `place`, rows before columns."""
    return _cells(reached(AveragePooling(3, stride=1), inputs, place))


def _cells(mask: np.ndarray) -> list[Place]:
    return [(int(row), int(column)) for row, column in np.argwhere(mask)]
