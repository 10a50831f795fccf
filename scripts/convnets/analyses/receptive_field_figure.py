"""The figure of effective receptive fields: a map for each convolutional variant."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle

from convnets.analyses.field import effective_width, middle_feature
from convnets.analyses.panels import TINY, add_remark, variant_panels
from convnets.architectures.variant import Variant

OUTLINE = "#D55E00"


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
    drawing, panels = variant_panels(list(fields["variant"]), 1.13, shared=False)
    for axes, field, gradient in zip(panels, fields.to_dict("records"), gradients, strict=True):
        axes.imshow(gradient, cmap="Blues", vmin=0)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("0.8")
        _outline(axes, field["centre"], field["theoretical_width"], len(gradient))
        axes.set_xlabel(_widths(field), fontsize=TINY, labelpad=2)
    legend = "Numbers: effective of theoretical width in pixels. Orange: theoretical field."
    add_remark(drawing, f"{legend} {remark}")
    return drawing


def describe_fields(fields: pd.DataFrame, images: int, conditions: str) -> str:
    """The figure in words."""
    numbers = "; ".join(
        f"{field['variant']}: {_widths(field)}" for field in fields.to_dict("records")
    )
    return (
        "How much each pixel changes the feature before the head whose field is the nearest to "
        f"the middle of the image: the mean absolute gradient over {images:,} test images of the "
        "sum over channels, of one network for each convolutional variant. Widths in pixels, "
        "effective (the side of a square of as many pixels as hold 95 % of the gradient) of "
        f"theoretical: {numbers}. {conditions}."
    )


def _widths(field: dict[Hashable, Any]) -> str:
    return f"{field['effective_width']:.1f} of {field['theoretical_width']}"


def _outline(axes: Axes, centre: float, width: int, size: int) -> None:
    """Frame the part of the field that lies within the image of `size`, edges at half pixels."""
    low = max(centre - width / 2, -0.5)
    high = min(centre + width / 2, size - 0.5)
    axes.add_patch(
        Rectangle(
            (low, low), high - low, high - low,
            fill=False, edgecolor=OUTLINE, linewidth=1.2, clip_on=False, zorder=3,
        )
    )  # fmt: skip
