"""The sliding windows of Figures 1, 2, 3 and 7, from what the hand-written layers give."""

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
from convnets.layers.convolution_im2col import Im2colConvolution
from convnets.layers.pooling import AveragePooling, MaxPooling
from convnets.layers.window import Window


def slide_convolution() -> Animation:
    """Figure 1: the kernel meets nine windows of the image, one after the other."""
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
        "The 3×3 kernel slides over the 5×5 input with a border of zeros. It stands at 25 places, "
        "so that the output is 5×5 too.",
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
        "framed pixel achieved it first, and alone gets the gradient.",
        [
            Panel("Input, 5×5", IMAGE[0, 0], LIGHT_BLUE, windows),
            Panel("Output, 3×3", outputs, LIGHT_GREEN, [[Mark(p, GREEN)] for p in places]),
        ],
        remarks,
        places.index(PLACE),
    )


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


ANIMATIONS = {
    "figure_01": slide_convolution,
    "figure_02": slide_padded_convolution,
    "figure_03": slide_max_pooling,
    "figure_07": slide_dilated_kernels,
}
"""By the name of the still figure."""


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


def _window(inputs: np.ndarray, place: Place) -> list[Place]:
    """The pixels of the 3 x 3 window at `place`, rows before columns."""
    return _cells(reached(AveragePooling(3, stride=1), inputs, place))


def _cells(mask: np.ndarray) -> list[Place]:
    return [(int(row), int(column)) for row, column in np.argwhere(mask)]
