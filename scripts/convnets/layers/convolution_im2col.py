"""Convolution by im2col and one matrix product: "serialization" (paper, Section 2).

Each place of the window becomes a column of pixels (Figure 4), and a matrix product convolves
(Figure 5):

    weights (out channels, K)  times  columns (K, N)  =  outputs (out channels, N)

with K = in channels * kernel height * kernel width, the length of a column, and N = batch *
output height * output width, the number of places. A pixel is copied to as many columns as there
are windows that cover it, about F squared over s squared: the price in memory.
"""

import numpy as np

from convnets.layers.convolution import ConvolutionLayer
from convnets.layers.layer import Array
from convnets.layers.window import Window


class Im2colConvolution(ConvolutionLayer):
    """One matrix product forward, and one for each gradient."""

    def _convolve(self, padded: Array) -> Array:
        outputs = self._flat_weights() @ im2col(padded, self.window)  # (out channels, N)
        batch, channels, height, width = self._output_shape(padded)
        return outputs.reshape(channels, batch, height, width).transpose(1, 0, 2, 3)

    def _add_input_grads(self, grads_wrt_padded: Array, grads_wrt_outputs: Array) -> None:
        columns = self._flat_weights().T @ _rows_of_channels(grads_wrt_outputs)  # (K, N)
        add_columns(columns, self.window, grads_wrt_padded)

    def _weight_grads(self, padded: Array, grads_wrt_outputs: Array) -> Array:
        columns = im2col(padded, self.window)
        grads = _rows_of_channels(grads_wrt_outputs) @ columns.T  # (out channels, K)
        return grads.reshape(self.weights.shape)

    def _flat_weights(self) -> Array:
        """(out channels, K): a kernel is a row."""
        return self.weights.reshape(len(self.weights), -1)


def im2col(padded: Array, window: Window) -> Array:
    """The columns (K, N) of `padded` (batch, channels, height, width), as in Figure 4.

    Row (c, u, v) of the columns is what the window's element (u, v) meets in channel c.
    """
    batch, channels, height, width = window.at(padded, 0, 0).shape
    columns = np.empty((channels, *window.size, batch, height, width), padded.dtype)
    # Whole rows of pixels are copied at a time: few copies of much, where a loop over the places
    # would make many of little.
    for u, v in window.elements:
        columns[:, u, v] = window.at(padded, u, v).transpose(1, 0, 2, 3)
    return columns.reshape(channels * window.area, -1)


def add_columns(columns: Array, window: Window, padded: Array) -> None:
    """Add each number of `columns` (K, N) to the pixel of `padded` that `im2col` took it from."""
    batch, channels, height, width = window.at(padded, 0, 0).shape
    columns = columns.reshape(channels, *window.size, batch, height, width)
    for u, v in window.elements:
        window.at(padded, u, v)[:] += columns[:, u, v].transpose(1, 0, 2, 3)


def _rows_of_channels(features: Array) -> Array:
    """Features (batch, channels, height, width) as (channels, N)."""
    return features.transpose(1, 0, 2, 3).reshape(features.shape[1], -1)
