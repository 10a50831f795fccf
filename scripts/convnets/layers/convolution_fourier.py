"""Convolution in the Fourier domain, where it is a product at each frequency.

Equation 1 does not flip the kernel: it is a cross-correlation, and its transform that of the
input times the complex conjugate of the kernel's. Transforms wrap around at the edges, which
changes nothing here: all have the size of the padded input, which the kernel never leaves.
"""

import numpy as np

from convnets.layers.convolution import ConvolutionLayer
from convnets.layers.layer import Array


class FourierConvolution(ConvolutionLayer):
    """At each frequency, a matrix product over the channels or over the batch.

    The size of the kernel costs nothing, and a stride saves nothing: the product gives every
    place, of which every s-th is kept.
    """

    def _convolve(self, padded: Array) -> Array:
        size = padded.shape[2:]
        kernels = _spectrum(_spread(self.weights, self.window.dilation, size))
        outputs = _spectrum(padded) @ kernels.conj().swapaxes(2, 3)
        return _grid(_from_spectrum(outputs, size), self.window.stride, self._output_shape(padded))

    def _add_input_grads(self, grads_wrt_padded: Array, grads_wrt_outputs: Array) -> None:
        size = grads_wrt_padded.shape[2:]
        kernels = _spectrum(_spread(self.weights, self.window.dilation, size))
        grads = _spectrum(_spread(grads_wrt_outputs, self.window.stride, size))
        # Not conjugated: a convolution with the kernel, a correlation with the rotated one.
        grads_wrt_padded += _from_spectrum(grads @ kernels, size)

    def _weight_grads(self, padded: Array, grads_wrt_outputs: Array) -> Array:
        size = padded.shape[2:]
        grads = _spectrum(_spread(grads_wrt_outputs, self.window.stride, size))
        products = grads.conj().swapaxes(2, 3) @ _spectrum(padded)
        return _grid(_from_spectrum(products, size), self.window.dilation, self.weights.shape)


def _spectrum(values: Array) -> Array:
    """(a, b, height, width) as matrices at frequencies: (height, width // 2 + 1, a, b).

    The other half of the frequencies follows, because the values are real.
    """
    return np.fft.rfft2(values).transpose(2, 3, 0, 1)


def _from_spectrum(spectrum: Array, size: tuple[int, ...]) -> Array:
    """The inverse of `_spectrum`: (a, b, *size)."""
    return np.fft.irfft2(spectrum.transpose(2, 3, 0, 1), s=size)


def _spread(values: Array, step: int, size: tuple[int, ...]) -> Array:
    """(a, b, rows, columns) on zeros of (a, b, *size), `step` pixels apart.

    The zeros fill the gaps of a dilation, and the places that a stride left out.
    """
    spread = np.zeros((*values.shape[:2], *size), values.dtype)
    _grid(spread, step, values.shape)[:] = values
    return spread


def _grid(values: Array, step: int, shape: tuple[int, ...]) -> Array:
    """Every `step`-th row and column of `values`, as many as fill `shape`."""
    rows, columns = shape[2:]
    return values[:, :, : step * (rows - 1) + 1 : step, : step * (columns - 1) + 1 : step]
