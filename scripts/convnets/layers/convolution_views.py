"""Convolution by strided views: the matrix products of im2col without its copies.

Equation 1 sums over the elements (u, v) of the kernel. The pixels that an element meets at all
places are a view of the input: every s-th pixel from (d u, d v) on, without a copy. They are
multiplied by the weights of the element, (out channels, in channels), row by row of the output,
and the products of all elements are added.
"""

import numpy as np

from convnets.layers.convolution import ConvolutionLayer
from convnets.layers.layer import Array


class ViewConvolution(ConvolutionLayer):
    """A matrix product for each element of the kernel and each row of an output."""

    def _convolve(self, padded: Array) -> Array:
        batch, channels, height, width = self._output_shape(padded)
        outputs = np.zeros((batch, height, channels, width), padded.dtype)
        for u, v in self.window.elements:
            # (out, in channels) times (batch, height, in channels, width)
            outputs += self.weights[:, :, u, v] @ _by_row(self.window.at(padded, u, v))
        return _by_row(outputs)

    def _add_input_grads(self, grads_wrt_padded: Array, grads_wrt_outputs: Array) -> None:
        """Convolve with rotated filters, as the text says.

        Zeros fill the pixels that the stride left out between the places, and pad each edge so
        that the filter reaches every pixel that it has met.
        """
        s = self.window.stride
        batch, channels, height, width = grads_wrt_outputs.shape
        margin_y, margin_x = (self.window.dilation * (size - 1) for size in self.window.size)
        met = (s * (height - 1) + 1 + margin_y, s * (width - 1) + 1 + margin_x)
        spread = np.zeros(
            (batch, channels, met[0] + margin_y, met[1] + margin_x), grads_wrt_outputs.dtype
        )
        spread[:, :, margin_y : met[0] : s, margin_x : met[1] : s] = grads_wrt_outputs
        rotated = self.weights[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        filters = ViewConvolution(rotated, dilation=self.window.dilation)
        grads_wrt_padded[:, :, : met[0], : met[1]] += filters._convolve(spread)

    def _weight_grads(self, padded: Array, grads_wrt_outputs: Array) -> Array:
        grads = np.empty_like(self.weights)
        rows = _by_row(grads_wrt_outputs)  # (batch, height, out channels, width)
        for u, v in self.window.elements:
            met = _by_row(self.window.at(padded, u, v))  # (batch, height, in channels, width)
            grads[:, :, u, v] = (rows @ met.swapaxes(2, 3)).sum(axis=(0, 1))
        return grads


def _by_row(features: Array) -> Array:
    """Swap channels and height: the matrices are then (channels, width), one for each row."""
    return features.swapaxes(1, 2)
