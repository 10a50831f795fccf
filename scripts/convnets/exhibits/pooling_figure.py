"""Figure 6: one image after each of the three pooling layers."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from convnets.architectures import avg_pool, max_avg_pool, max_pool
from convnets.exhibits.style import SMALL, WIDTH

POOLINGS = {"Max": max_pool.pool, "Average": avg_pool.pool, "Max+Average": max_avg_pool.pool}
"""Rows."""
SIZES = {"F = 2": (2,), "F = 3": (3,), "F = 2→3": (2, 3)}
"""Columns: the windows that are applied one after the other."""


def pooled(image: np.ndarray, kind: str, size: str) -> np.ndarray:
    """`image` (28, 28), scaled to 0..1, by the pooling layer of a row and the size of a column.

    These are the layers of the networks, here without padding: it would only add a margin.
    """
    features = torch.from_numpy(image)[None, None] / 255
    for window in SIZES[size]:
        features = POOLINGS[kind](features, window, stride=window, padding=0)
    return np.asarray(features[0, 0])


def draw_pooling(image: np.ndarray, footnote: str) -> Drawing:
    """`image` (28, 28) and, in a grid, its poolings: the darker, the higher the value."""
    drawing = Drawing(figsize=(WIDTH, 0.83 * WIDTH), layout="constrained")
    panels = drawing.subplots(3, 4)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
    for axes in panels[[0, 2], 0]:
        axes.set_axis_off()
    _show(panels[1, 0], image, f"Input, {len(image)}×{len(image)}")
    for row, kind in zip(panels[:, 1:], POOLINGS, strict=True):
        row[0].set_ylabel(kind)
        for axes, size in zip(row, SIZES, strict=True):
            output = pooled(image, kind, size)
            _show(axes, output, f"{size}, {len(output)}×{len(output)}" if kind == "Max" else "")
    drawing.supxlabel(footnote, fontsize=SMALL, color="0.3")
    return drawing


def _show(axes: Axes, values: np.ndarray, title: str) -> None:
    axes.imshow(values, cmap="Greys", vmin=0)
    axes.set_title(title, fontsize=SMALL)
