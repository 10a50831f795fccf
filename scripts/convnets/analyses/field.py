"""Receptive field of a feature: theoretical, from the architecture, and effective, measured."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from convnets.architectures.variant import Variant

SHARE = 0.95
"""Share of the gradient inside the effective field."""


@dataclass(frozen=True)
class MiddleFeature:
    """The feature before the head whose field is the nearest to the middle of the image."""

    index: int
    """Its row and column."""
    centre: float
    """Row and column of the pixel in the middle of its field; a half between two pixels."""


def middle_feature(variant: Variant) -> MiddleFeature:
    """The middle feature of a convolutional variant."""
    centre, step, size = 0.0, 1, variant.image_kind.size
    for operation in itertools.chain(*variant.layers):
        centre += ((operation.window - 1) / 2 - operation.padding) * step
        step *= operation.stride
        size = operation.size[1]
    middle = (variant.image_kind.size - 1) / 2
    index = min(range(size), key=lambda place: abs(centre + place * step - middle))
    return MiddleFeature(index, centre + index * step)


def effective_width(gradient: np.ndarray) -> float:
    """Side of a square of as many pixels as have 95 % of `gradient` (height, width)."""
    held = np.sort(gradient, axis=None)[::-1].cumsum()
    return math.sqrt((held < SHARE * held[-1]).sum() + 1)
