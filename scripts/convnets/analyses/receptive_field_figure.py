"""The figure of effective receptive fields: a map for each convolutional variant."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from convnets.analyses.field import effective_width, middle_feature
from convnets.analyses.panels import TINY, variant_panels
from convnets.analyses.runs import Analysis, Sweep
from convnets.architectures.variant import Variant
from convnets.exhibits.style import add_remark
from convnets.runs.metrics import runs_of

OUTLINE = "#D55E00"


def analyse(sweep: Sweep) -> Analysis:
    """The figure `analysis_receptive_fields`."""
    with np.load(sweep.arguments.gradients) as measured:
        names, gradients = measured["variants"].tolist(), measured["gradients"]
        images = int(measured["images"])
    fields = measure_fields([sweep.runs[name][0].variant for name in names], gradients)
    first_seeds = runs_of(sweep.metrics, *names).groupby("variant").head(1)
    about = sweep.conditions(first_seeds)
    fields.insert(1, "label", [sweep.labels[name] for name in names])
    remark = f"{clipping(fields, gradients.shape[-1])} {images:,} test images, one seed. {about}."
    drawing = draw_fields(fields, gradients, remark)
    description = describe_fields(fields, images, remark)
    return Analysis("Effective receptive fields", description, fields, drawing)


def measure_fields(variants: list[Variant], gradients: np.ndarray) -> pd.DataFrame:
    """Theoretical and effective widths in pixels, a row for each of `variants`.

    `row_or_column` is that of the middle feature, `centre` the pixel in the middle of its field.
    """
    records = [
        {
            "variant": variant.id,
            "method": variant.method,
            "row_or_column": middle_feature(variant).index,
            "centre": middle_feature(variant).centre,
            "theoretical_width": variant.receptive_field,
            "effective_width": effective_width(gradient),
        }
        for variant, gradient in zip(variants, gradients, strict=True)
    ]
    return pd.DataFrame(records)


def draw_fields(fields: pd.DataFrame, gradients: np.ndarray, remark: str) -> Drawing:
    """The maps of `gradients` (variants, height, width), each from 0 to its own largest value."""
    drawing, panels = variant_panels(list(fields["label"]), 1.3, shared=False)
    for axes, field, gradient in zip(panels, fields.to_dict("records"), gradients, strict=True):
        axes.imshow(gradient, cmap="Blues", vmin=0)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("0.8")
        _outline(axes, field["centre"], field["theoretical_width"], len(gradient))
        axes.set_xlabel(_widths(field), fontsize=TINY, labelpad=2)
    legend = "Numbers: effective of theoretical width in pixels. Orange: theoretical field."
    add_remark(drawing, f"{legend} {remark}")
    return drawing


def clipping(fields: pd.DataFrame, size: int) -> str:
    """An explanation of the fields that leave the image, whose width is `size`."""
    reach = (fields["theoretical_width"] - 1) / 2
    outside = (fields["centre"] - reach < 0) | (fields["centre"] + reach > size - 1)
    if not outside.any():
        return "All fields lie inside the image."
    return (
        f"{outside.sum()} of {len(fields)} fields reach beyond the image of {size} pixels; the "
        "dashed edges are cut there, as the rest of the field sees padding only."
    )


def describe_fields(fields: pd.DataFrame, images: int, remark: str) -> str:
    """The figure in words."""
    numbers = "; ".join(
        f"{field['label']}: {_widths(field)}" for field in fields.to_dict("records")
    )
    return (
        "How much each pixel changes a feature before the head, the one whose field is the nearest "
        f"to the middle of the image: the mean absolute gradient over {images:,} test images of "
        "its sum over channels, for one network of each convolutional variant. Widths in pixels, "
        "effective (the side of a square of as many pixels as hold 95 % of the gradient) of "
        f"theoretical: {numbers}. {remark}"
    )


def _widths(field: dict[Hashable, Any]) -> str:
    return f"{field['effective_width']:.1f} of {field['theoretical_width']}"


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
