"""What the tests of the hand-written layers share: random shapes, and gradients by differences."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from convnets.layers.convolution import ConvolutionLayer
from convnets.layers.convolution_fourier import FourierConvolution
from convnets.layers.convolution_im2col import Im2colConvolution
from convnets.layers.convolution_loops import LoopConvolution
from convnets.layers.convolution_views import ViewConvolution
from convnets.layers.layer import Layer

IMPLEMENTATIONS: tuple[type[ConvolutionLayer], ...] = (
    LoopConvolution,
    Im2colConvolution,
    ViewConvolution,
    FourierConvolution,
)
STEP = 1e-6
"""Of the differences, in units of the values."""


class Case(NamedTuple):
    """A convolution of some shape, and features for it."""

    inputs: tuple[int, int, int, int]
    weights: tuple[int, int, int, int]
    stride: int
    padding: int
    dilation: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any small case that gives an output; degenerate ones are often among them."""
    batch, channels, filters = (draw(st.integers(1, 3)) for _ in range(3))
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = draw(st.integers(0, 3))
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    least = [max(1, dilation * (size - 1) + 1 - 2 * padding) for size in kernel]
    height, width = (size + draw(st.integers(0, 4)) for size in least)
    return Case(
        (batch, channels, height, width), (filters, channels, *kernel), stride, padding, dilation
    )


def random(*shape: int, seed: int = 0) -> np.ndarray:
    """float64 from -1 to 1; another array for another shape."""
    return np.random.default_rng((seed, *shape)).uniform(-1, 1, shape)


def numerical_gradient(error: Callable[[], float], values: np.ndarray) -> np.ndarray:
    """The gradient of `error()` with respect to `values`, by central differences."""
    gradient = np.zeros_like(values)
    for index in np.ndindex(values.shape):
        value = values[index]
        values[index] = value + STEP
        above = error()
        values[index] = value - STEP
        below = error()
        values[index] = value
        gradient[index] = (above - below) / (2 * STEP)
    return gradient


def assert_gradients_are_differences(layer: Layer, inputs: np.ndarray) -> None:
    """Compare `bprop` and `grads_wrt_params` with finite differences of a random error."""
    outputs = layer.fprop(inputs)
    weighting = random(*outputs.shape, seed=1)

    def error() -> float:
        return float((layer.fprop(inputs) * weighting).sum())

    grads = [layer.bprop(inputs, outputs, weighting), *layer.grads_wrt_params(inputs, weighting)]
    for grad, values in zip(grads, [inputs, *layer.params], strict=True):
        assert grad.shape == values.shape
        np.testing.assert_allclose(grad, numerical_gradient(error, values), rtol=1e-7, atol=1e-8)
