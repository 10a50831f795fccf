"""Figure 6: what the three pooling layers make of one image."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from torch import nn

from convnets.exhibits.style import SMALL, WIDTH
from convnets.training.network import MaxAveragePooling

SIZES = {"F = 2": (2,), "F = 3": (3,), "F = 2→3": (2, 3)}
"""Columns: the windows that are applied one after the other."""


def pooled(image: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """`image` (28, 28), scaled to 0..1, by pooling layer and size.

    These are the layers of the networks, here without padding: it would only add a margin.
    """
    layers: dict[str, Callable[[int], nn.Module]] = {
        "Max": nn.MaxPool2d,
        "Average": nn.AvgPool2d,
        "Max+Average": MaxAveragePooling,
    }
    scaled = torch.from_numpy(image)[None, None] / 255
    return {
        kind: {
            size: nn.Sequential(*map(layer, windows))(scaled)[0, 0].numpy()
            for size, windows in SIZES.items()
        }
        for kind, layer in layers.items()
    }


def draw_pooling(image: np.ndarray, remark: str) -> Drawing:
    """`image` (28, 28) and, in a grid, its poolings: the darker, the higher the value."""
    drawing = Drawing(figsize=(WIDTH, 0.83 * WIDTH), layout="constrained")
    panels = drawing.subplots(3, 4)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
    for axes in panels[[0, 2], 0]:
        axes.set_axis_off()
    _show(panels[1, 0], image, f"Input, {len(image)}×{len(image)}")
    for row, (kind, by_size) in zip(panels[:, 1:], pooled(image).items(), strict=True):
        row[0].set_ylabel(kind)
        for axes, (size, output) in zip(row, by_size.items(), strict=True):
            _show(axes, output, f"{size}, {len(output)}×{len(output)}" if kind == "Max" else "")
    drawing.supxlabel(remark, fontsize=SMALL, color="0.3")
    return drawing


def _show(axes: Axes, values: np.ndarray, title: str) -> None:
    axes.imshow(values, cmap="Greys", vmin=0)
    axes.set_title(title, fontsize=SMALL)
