"""Theoretical and effective receptive fields.

After Luo, Li, Urtasun and Zemel, Understanding the effective receptive field in deep
convolutional neural networks (NIPS 2016). `scripts/measure_receptive_fields.py` measures gradients.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from convnets.analyses.study import TINY, Analysis, Study, variant_panels
from convnets.judging.conditions import conditions
from convnets.runs.metrics import runs_of

SHARE = 0.95
"""Share of the gradient inside the effective field."""


def analyse(study: Study) -> Analysis:
    """The figure `analysis_receptive_fields`, whose table has widths in pixels."""
    with np.load(study.gradients) as measured:
        by_name = dict(zip(measured["variants"].tolist(), measured["gradients"], strict=True))
        images = int(measured["images"])
    names = [name for name in study.runs if name in by_name]
    gradients, rows = np.array([by_name[name] for name in names]), []
    for name, gradient in zip(names, gradients, strict=True):
        variant = study.runs[name][0].variant
        widths = variant.receptive_field, effective_width(gradient)
        rows.append((name, study.labels[name], variant.method, *variant.middle_feature, *widths))
    columns = ["variant", "label", "method", "row_or_column", "centre"]
    columns += ["theoretical_width", "effective_width"]
    fields = pd.DataFrame(rows, columns=columns)
    size, reach = gradients.shape[-1], (fields["theoretical_width"] - 1) / 2
    outside = (fields["centre"] - reach < 0) | (fields["centre"] + reach > size - 1)
    first_seeds = runs_of(study.metrics, *names).groupby("variant").head(1)
    values = {
        "fields": fields.to_dict("records"),
        "outside": outside.sum(),
        "size": size,
        "images": images,
        "conditions": conditions(study.provenance, first_seeds),
    }
    return fields, draw_fields(fields, gradients), values


def effective_width(gradient: np.ndarray) -> float:
    """Side of a square of as many pixels as have 95 % of `gradient` (height, width)."""
    held = np.sort(gradient, axis=None)[::-1].cumsum()
    return math.sqrt((held < SHARE * held[-1]).sum() + 1)


def draw_fields(fields: pd.DataFrame, gradients: np.ndarray) -> Drawing:
    """The maps of `gradients` (variants, height, width), each from 0 to its own largest value."""
    drawing, panels = variant_panels(list(fields["label"]), 1.3, shared=False)
    for axes, field, gradient in zip(panels, fields.to_dict("records"), gradients, strict=True):
        axes.imshow(gradient, cmap="Blues", vmin=0)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("0.8")
        _outline(axes, field["centre"], field["theoretical_width"], len(gradient))
        widths = f"{field['effective_width']:.1f} of {field['theoretical_width']}"
        axes.set_xlabel(widths, fontsize=TINY, labelpad=2)
    return drawing


def _outline(axes: Axes, centre: float, width: int, size: int) -> None:
    """Frame the part of the field within the image of `size`, with dashes where it is cut."""
    # edges of pixels are at halves
    ends = np.array([centre - width / 2, centre + width / 2])
    low, high = np.clip(ends, -0.5, size - 0.5)
    for end, shown in zip(ends, (low, high), strict=True):
        style: Any = "-" if end == shown else (0, (2, 1.5))
        line: Any = {"color": "#D55E00", "linewidth": 1.2, "linestyle": style, "zorder": 3}
        axes.plot([shown, shown], [low, high], clip_on=False, **line)
        axes.plot([low, high], [shown, shown], clip_on=False, **line)
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
