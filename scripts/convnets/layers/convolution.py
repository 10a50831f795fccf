"""The base of the implementations of convolution (paper, Section 2).

Equation 1 for several channels c and o, stride s and dilation d, on the padded input x:

    h[o, i, j] = b[o] + sum over c, u, v of  w[o, c, u, v] * x[c, s i + d u, s j + d v]

All indices are from 0: u and v are the k - 1 and l - 1 of the paper, which has s = d = 1 and one
channel. Each implementation computes three things, here for the images b of a batch:

    outputs           (batch, out channels, output height, output width), equation 1
    input gradients   (batch, in channels, height, width), "a convolution with rotated filters"
    weight gradients  (out channels, in channels, kernel height, kernel width), equation 2
"""

from abc import abstractmethod

import numpy as np

from convnets.core.errors import UserError
from convnets.layers.layer import Array, Layer
from convnets.layers.window import Window


class ConvolutionLayer(Layer):
    """Padding, bias and checks; a subclass convolves what is padded already."""

    def __init__(
        self,
        weights: Array,
        bias: Array | None = None,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
    ) -> None:
        """`weights` are (out channels, in channels, height, width), `bias` (out channels,)."""
        if weights.ndim != 4 or 0 in weights.shape:
            raise UserError(
                f"weights have shape {weights.shape}, expected (out channels, in channels, "
                "height, width), each 1 or more"
            )
        if bias is not None and bias.shape != weights.shape[:1]:
            raise UserError(f"bias has shape {bias.shape}, expected ({len(weights)},)")
        super().__init__(weights, bias)
        self.weights, self.bias = weights, bias
        height, width = weights.shape[2:]
        self.window = Window((height, width), stride, padding, dilation)

    def fprop(self, inputs: Array) -> Array:
        """Equation 1."""
        self._check(inputs)
        outputs = self._convolve(self.window.pad(inputs))
        if self.bias is not None:
            outputs += self.bias[:, np.newaxis, np.newaxis]
        return outputs

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """The gradient that the text writes dE/dH of layer l - 1."""
        grads_wrt_padded = np.zeros(self.window.padded_shape(inputs.shape), inputs.dtype)
        self._add_input_grads(grads_wrt_padded, grads_wrt_outputs)
        return self.window.crop(grads_wrt_padded)

    def grads_wrt_params(self, inputs: Array, grads_wrt_outputs: Array) -> list[Array]:
        """Equation 2, and the bias's: it is added to every h, so its gradient is their sum."""
        grads = [self._weight_grads(self.window.pad(inputs), grads_wrt_outputs)]
        if self.bias is not None:
            grads.append(grads_wrt_outputs.sum(axis=(0, 2, 3)))
        return grads

    @abstractmethod
    def _convolve(self, padded: Array) -> Array:
        """Equation 1 without the bias."""

    @abstractmethod
    def _add_input_grads(self, grads_wrt_padded: Array, grads_wrt_outputs: Array) -> None:
        """Add the gradients with respect to the padded input to `grads_wrt_padded`, zeros."""

    @abstractmethod
    def _weight_grads(self, padded: Array, grads_wrt_outputs: Array) -> Array:
        """Equation 2, summed over the batch."""

    def _output_shape(self, padded: Array) -> tuple[int, int, int, int]:
        batch, _, height, width = self.window.at(padded, 0, 0).shape
        return batch, len(self.weights), height, width

    def _check(self, inputs: Array) -> None:
        channels = self.weights.shape[1]
        if inputs.ndim != 4 or inputs.shape[1] != channels:
            raise UserError(
                f"inputs have shape {inputs.shape}, expected (batch, {channels}, height, width): "
                f"the weights have shape {self.weights.shape}, with {channels} input channels"
            )
        self.window.output_size(*inputs.shape[2:])
