"""Pooling (paper, Sections 2 and 3): the maximum of a window, its mean, or the sum of both.

Each channel is pooled by itself: (batch, channels, height, width) to (batch, channels, output
height, output width). As in PyTorch, padding is below every number for a maximum and zero for a
mean, which counts it.
"""

import numpy as np

from convnets.core.errors import UserError
from convnets.layers.layer import Array, Layer
from convnets.layers.window import Window


class _Pooling(Layer):
    """A pool of `size` by `size` pixels. Pools do not overlap when no stride is given."""

    def __init__(self, size: int, stride: int | None = None, padding: int = 0) -> None:
        super().__init__()
        self.window = Window((size, size), size if stride is None else stride, padding)
        if padding >= size:
            raise UserError(
                f"padding {padding} with pool size {size}: the pools at the edge would hold "
                f"padding only; make it {size - 1} or less"
            )


class MaxPooling(_Pooling):
    """The maximum of each pool (paper, Figure 3)."""

    def fprop(self, inputs: Array) -> Array:
        """The maximum over the elements of the window, of one after the other at all places."""
        padded = self.window.pad(inputs, -np.inf)
        outputs = self.window.at(padded, 0, 0).copy()
        for u, v in self.window.elements:
            np.maximum(outputs, self.window.at(padded, u, v), out=outputs)
        return outputs

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """The gradient goes to the pixel that achieved the maximum, the others get zero.

        Of equal maxima the first of the window gets it, rows before columns, as in PyTorch.
        Pools that overlap add theirs.
        """
        padded = self.window.pad(inputs, -np.inf)
        grads_wrt_padded = np.zeros_like(padded)
        unclaimed = np.ones(outputs.shape, bool)
        for u, v in self.window.elements:
            achieved = unclaimed & (self.window.at(padded, u, v) == outputs)
            self.window.at(grads_wrt_padded, u, v)[achieved] += grads_wrt_outputs[achieved]
            unclaimed &= ~achieved
        return self.window.crop(grads_wrt_padded)


class AveragePooling(_Pooling):
    """The mean of each pool."""

    def fprop(self, inputs: Array) -> Array:
        """The sum over the elements of the window, divided by their number."""
        padded = self.window.pad(inputs)
        outputs = np.zeros_like(self.window.at(padded, 0, 0))
        for u, v in self.window.elements:
            outputs += self.window.at(padded, u, v)
        return outputs / self.window.area

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """Each pixel of a pool gets the same share of its gradient."""
        grads_wrt_padded = np.zeros(self.window.padded_shape(inputs.shape), inputs.dtype)
        for u, v in self.window.elements:
            self.window.at(grads_wrt_padded, u, v)[:] += grads_wrt_outputs / self.window.area
        return self.window.crop(grads_wrt_padded)


class MaxPlusAveragePooling(MaxPooling, AveragePooling):
    """The sum of max and average pooling, the layer that the paper introduces (Section 3)."""

    def fprop(self, inputs: Array) -> Array:
        """Maximum plus mean of each pool."""
        return MaxPooling.fprop(self, inputs) + AveragePooling.fprop(self, inputs)

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """The gradient of a sum goes to both of its terms."""
        maxima = MaxPooling.fprop(self, inputs)
        through_maximum = MaxPooling.bprop(self, inputs, maxima, grads_wrt_outputs)
        through_average = AveragePooling.bprop(self, inputs, outputs - maxima, grads_wrt_outputs)
        return through_maximum + through_average
