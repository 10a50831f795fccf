"""Receptive field of a feature: theoretical, from the architecture, and effective, measured."""

import itertools
import math

import numpy as np

from convnets.architectures.variant import Variant

SHARE = 0.95
"""Share of the gradient inside the effective field."""


def middle_feature(variant: Variant) -> tuple[int, float]:
    """The feature before the head whose field is the nearest to the middle of the image.

    Its row and column, and the row and column of the pixel in the middle of its field; a half is
    between two pixels.
    """
    centre, step, size = 0.0, 1, variant.image_kind.size
    for operation in itertools.chain(*variant.layers):
        centre += ((operation.window - 1) / 2 - operation.padding) * step
        step *= operation.stride
        size = operation.size[1]
    middle = (variant.image_kind.size - 1) / 2
    index = min(range(size), key=lambda place: abs(centre + place * step - middle))
    return index, centre + index * step


def effective_width(gradient: np.ndarray) -> float:
    """Side of a square of as many pixels as have 95 % of `gradient` (height, width)."""
    held = np.sort(gradient, axis=None)[::-1].cumsum()
    return math.sqrt((held < SHARE * held[-1]).sum() + 1)
