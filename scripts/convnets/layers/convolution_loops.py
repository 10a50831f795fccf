"""Convolution by elementwise loops: "straight forward but inefficient" (paper, Section 2)."""

import numpy as np

from convnets.layers.convolution import ConvolutionLayer
from convnets.layers.layer import Array


class LoopConvolution(ConvolutionLayer):
    """Equations 1 and 2 as they are written, one product at a time.

    Of the image b, o, i, j is a feature of the output, and c, u, v one of the weights that it is
    computed with.
    """

    def _convolve(self, padded: Array) -> Array:
        w, s, d = self.weights, self.window.stride, self.window.dilation
        h = np.zeros(self._output_shape(padded), padded.dtype)
        for b, o, i, j in np.ndindex(h.shape):
            for c, u, v in np.ndindex(w.shape[1:]):
                h[b, o, i, j] += w[o, c, u, v] * padded[b, c, s * i + d * u, s * j + d * v]
        return h

    def _add_input_grads(self, grads_wrt_padded: Array, grads_wrt_outputs: Array) -> None:
        # The chain rule: an x takes part in several h, in each multiplied by another weight.
        w, s, d = self.weights, self.window.stride, self.window.dilation
        for b, o, i, j in np.ndindex(grads_wrt_outputs.shape):
            for c, u, v in np.ndindex(w.shape[1:]):
                grads_wrt_padded[b, c, s * i + d * u, s * j + d * v] += (
                    w[o, c, u, v] * grads_wrt_outputs[b, o, i, j]
                )

    def _weight_grads(self, padded: Array, grads_wrt_outputs: Array) -> Array:
        s, d = self.window.stride, self.window.dilation
        grads_wrt_weights = np.zeros_like(self.weights)
        for b, o, i, j in np.ndindex(grads_wrt_outputs.shape):
            for c, u, v in np.ndindex(self.weights.shape[1:]):
                grads_wrt_weights[o, c, u, v] += (
                    grads_wrt_outputs[b, o, i, j] * padded[b, c, s * i + d * u, s * j + d * v]
                )
        return grads_wrt_weights
