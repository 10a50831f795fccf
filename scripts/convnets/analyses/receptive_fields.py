"""Theoretical and effective receptive fields.

After Luo, Li, Urtasun and Zemel, Understanding the effective receptive field in deep
convolutional neural networks (NIPS 2016). `scripts/measure_receptive_fields.py` measures gradients.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from convnets.analyses.field import effective_width, middle_feature
from convnets.analyses.panels import TINY, variant_panels
from convnets.analyses.runs import AnalysedRuns, Analysis
from convnets.architectures.variant import Variant
from convnets.core.templates import texts
from convnets.exhibits.style import add_footnote
from convnets.runs.metrics import runs_of

OUTLINE = "#D55E00"


def analyse(study: AnalysedRuns) -> Analysis:
    """The figure `analysis_receptive_fields`."""
    with np.load(study.arguments.gradients) as measured:
        by_name = dict(zip(measured["variants"].tolist(), measured["gradients"], strict=True))
        images = int(measured["images"])
    names = [name for name in study.runs if name in by_name]
    gradients = np.array([by_name[name] for name in names])
    fields = measure_fields([study.runs[name][0].variant for name in names], gradients)
    fields.insert(1, "label", [study.labels[name] for name in names])
    first_seeds = runs_of(study.metrics, *names).groupby("variant").head(1)
    words = describe_fields(fields, gradients.shape[-1], images, study.conditions(first_seeds))
    return Analysis(words, fields, draw_fields(fields, gradients, words["footnote"]))


def measure_fields(variants: list[Variant], gradients: np.ndarray) -> pd.DataFrame:
    """Theoretical and effective widths in pixels, a row for each of `variants`.

    `row_or_column` is that of the middle feature, `centre` the pixel in the middle of its field.
    """
    middles = list(map(middle_feature, variants))
    return pd.DataFrame(
        {
            "variant": [variant.id for variant in variants],
            "method": [variant.method for variant in variants],
            "row_or_column": [middle.index for middle in middles],
            "centre": [middle.centre for middle in middles],
            "theoretical_width": [variant.receptive_field for variant in variants],
            "effective_width": list(map(effective_width, gradients)),
        }
    )


def draw_fields(fields: pd.DataFrame, gradients: np.ndarray, footnote: str) -> Drawing:
    """The maps of `gradients` (variants, height, width), each from 0 to its own largest value."""
    drawing, panels = variant_panels(list(fields["label"]), 1.3, shared=False)
    for axes, field, gradient in zip(panels, fields.to_dict("records"), gradients, strict=True):
        axes.imshow(gradient, cmap="Blues", vmin=0)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("0.8")
        _outline(axes, field["centre"], field["theoretical_width"], len(gradient))
        widths = f"{field['effective_width']:.1f} of {field['theoretical_width']}"
        axes.set_xlabel(widths, fontsize=TINY, labelpad=2)
    add_footnote(drawing, footnote)
    return drawing


def describe_fields(
    fields: pd.DataFrame, size: int, images: int, conditions: str
) -> dict[str, str]:
    """The figure in words; some fields may leave the image, whose width is `size`."""
    reach = (fields["theoretical_width"] - 1) / 2
    outside = (fields["centre"] - reach < 0) | (fields["centre"] + reach > size - 1)
    return texts(
        "analysis_receptive_fields",
        fields=fields.to_dict("records"),
        outside=outside.sum(),
        size=size,
        images=images,
        conditions=conditions,
    )


def _outline(axes: Axes, centre: float, width: int, size: int) -> None:
    """Frame the part of the field within the image of `size`, with dashes where it is cut.

    Edges of pixels are at halves.
    """
    ends = np.array([centre - width / 2, centre + width / 2])
    low, high = np.clip(ends, -0.5, size - 0.5)
    for end, shown in zip(ends, (low, high), strict=True):
        style: Any = "-" if end == shown else (0, (2, 1.5))
        line: Any = {"color": OUTLINE, "linewidth": 1.2, "linestyle": style, "zorder": 3}
        axes.plot([shown, shown], [low, high], clip_on=False, **line)
        axes.plot([low, high], [shown, shown], clip_on=False, **line)
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
