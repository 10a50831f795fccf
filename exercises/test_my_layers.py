"""Checks `my_layers.py` against the layers of the project: `make exercises`.

An exercise that is not written yet is skipped.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import my_layers
import numpy as np
import pytest

from convnets.layers import convolution_im2col
from convnets.layers.convolution_loops import LoopConvolution
from convnets.layers.layer import Layer
from convnets.layers.pooling import AveragePooling
from convnets.layers.window import Window

RNG = np.random.default_rng(0)
INPUTS = RNG.integers(-4, 5, (2, 3, 6, 7)).astype(float)
"""Two images of three channels, in small whole numbers; not square, so that height and width
cannot be exchanged unnoticed."""
STRIDES_AND_DILATIONS = [(2, 1), (3, 1), (1, 2), (2, 2)]


def exercise(number: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Skip the check of an exercise that is not written yet."""

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(check)
        def checked(*arguments: Any, **named: Any) -> None:
            try:
                check(*arguments, **named)
            except NotImplementedError:
                pytest.skip(f"exercise {number} is not written yet")

        return checked

    return decorate


def compare(what: str, yours: object, expected: np.ndarray) -> None:
    """Fail with the first difference in shape or number."""
    if not isinstance(yours, np.ndarray):
        pytest.fail(f"{what}: yours is {yours!r}, expected a NumPy array", pytrace=False)
    if yours.shape != expected.shape:
        text = f"{what}: yours has shape {yours.shape}, expected {expected.shape}"
        pytest.fail(text, pytrace=False)
    wrong = np.argwhere(~np.isclose(yours, expected))
    if len(wrong):
        first = tuple(wrong[0].tolist())
        text = (
            f"{what}: {len(wrong)} of {expected.size} numbers differ; the first at "
            f"{list(first)} is {yours[first]:g}, expected {expected[first]:g}"
        )
        pytest.fail(text, pytrace=False)


def compare_number(what: str, yours: object, expected: int) -> None:
    """Fail if two whole numbers differ."""
    if yours != expected:
        pytest.fail(f"{what}: yours is {yours!r}, expected {expected}", pytrace=False)


def compare_layers(
    name: str, yours: Any, expected: Layer, inputs: np.ndarray, params: Sequence[str]
) -> None:
    """Compare outputs and gradients of two layers for the same inputs."""
    untouched = inputs.copy()
    outputs = expected.fprop(inputs)
    grads = RNG.integers(-4, 5, outputs.shape).astype(float)
    compare(f"{name}.fprop", yours.fprop(inputs), outputs)
    found = yours.bprop(inputs, outputs, grads)
    compare(f"{name}.bprop", found, expected.bprop(inputs, outputs, grads))
    if params:
        found = yours.grads_wrt_params(inputs, grads)
        if not isinstance(found, list) or len(found) != len(params):
            text = f"{name}.grads_wrt_params: expected a list of {len(params)}: {', '.join(params)}"
            pytest.fail(text, pytrace=False)
        reference = expected.grads_wrt_params(inputs, grads)
        for param, one, other in zip(params, found, reference, strict=True):
            compare(f"{name}.grads_wrt_params, {param}", one, other)
    compare(f"{name}: the inputs after all calls", inputs, untouched)


@exercise(1)
def test_exercise_1_size_of_the_output() -> None:
    for pixels, size, stride, padding, dilation in itertools.product(
        (7, 8, 28), (1, 2, 3), (1, 2, 3), (0, 1, 2), (1, 2, 3)
    ):
        (expected, _) = Window((size, size), stride, padding, dilation).output_size(pixels, pixels)
        call = f"output_size({pixels}, {size}, {stride=}, {padding=}, {dilation=})"
        yours = my_layers.output_size(pixels, size, stride, padding, dilation)
        compare_number(call, yours, expected)


@exercise(2)
def test_exercise_2_same_padding() -> None:
    for size, dilation in itertools.product((1, 3, 5, 7), (1, 2, 3)):
        yours = my_layers.same_padding(size, dilation)
        compare_number(f"same_padding({size}, {dilation=})", yours, dilation * (size - 1) // 2)


def check_im2col(size: int, stride: int, dilation: int) -> None:
    columns = convolution_im2col.im2col(INPUTS, Window((size, size), stride, dilation=dilation))
    yours = my_layers.im2col(INPUTS, size, stride, dilation)
    compare(f"im2col, {size=}, {stride=}, {dilation=}", yours, columns)


def check_col2im(size: int, stride: int, dilation: int) -> None:
    window = Window((size, size), stride, dilation=dilation)
    shape = convolution_im2col.im2col(INPUTS, window).shape
    numbers, features = RNG.integers(-4, 5, shape).astype(float), np.zeros_like(INPUTS)
    convolution_im2col.add_columns(numbers, window, features)
    yours = my_layers.col2im(numbers, INPUTS.shape, size, stride, dilation)
    compare(f"col2im, {size=}, {stride=}, {dilation=}", yours, features)


@exercise(3)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_exercise_3_im2col(size: int) -> None:
    check_im2col(size, stride=1, dilation=1)


@exercise(3)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_exercise_3_col2im(size: int) -> None:
    check_col2im(size, stride=1, dilation=1)


@exercise(4)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_exercise_4_convolution(size: int) -> None:
    kernels = RNG.integers(-2, 3, (4, 3, size, size)).astype(float)
    bias = RNG.integers(-2, 3, 4).astype(float)
    yours = my_layers.MyConvolution(kernels, bias)
    expected = LoopConvolution(kernels, bias)
    compare_layers("MyConvolution", yours, expected, INPUTS, ["kernels", "bias"])


@exercise(5)
@pytest.mark.parametrize(("stride", "dilation"), STRIDES_AND_DILATIONS)
def test_exercise_5_im2col(stride: int, dilation: int) -> None:
    check_im2col(size=3, stride=stride, dilation=dilation)


@exercise(5)
@pytest.mark.parametrize(("stride", "dilation"), STRIDES_AND_DILATIONS)
def test_exercise_5_col2im(stride: int, dilation: int) -> None:
    check_col2im(size=3, stride=stride, dilation=dilation)


@exercise(6)
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1), (2, 3)])
def test_exercise_6_average_pooling(size: int, stride: int) -> None:
    yours, expected = my_layers.MyAveragePooling(size, stride), AveragePooling(size, stride)
    name = f"MyAveragePooling({size=}, {stride=})"
    compare_layers(name, yours, expected, INPUTS, [])


@exercise(7)
def test_exercise_7_pointwise_convolution() -> None:
    kernels = RNG.integers(-2, 3, (4, 3, 1, 1)).astype(float)
    yours, expected = my_layers.MyPointwiseConvolution(kernels), LoopConvolution(kernels)
    compare_layers("MyPointwiseConvolution", yours, expected, INPUTS, ["kernels"])


class Depthwise(Layer):
    """A convolution of one channel for each channel."""

    def __init__(self, kernels: np.ndarray) -> None:
        super().__init__(kernels)
        self.layers = [LoopConvolution(kernel[np.newaxis, np.newaxis]) for kernel in kernels]

    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        outputs = [layer.fprop(inputs[:, [c]]) for c, layer in enumerate(self.layers)]
        return np.concatenate(outputs, axis=1)

    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        grads = [
            layer.bprop(inputs[:, [c]], outputs[:, [c]], grads_wrt_outputs[:, [c]])
            for c, layer in enumerate(self.layers)
        ]
        return np.concatenate(grads, axis=1)

    def grads_wrt_params(
        self, inputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> list[np.ndarray]:
        grads = [
            layer.grads_wrt_params(inputs[:, [c]], grads_wrt_outputs[:, [c]])[0][0, 0]
            for c, layer in enumerate(self.layers)
        ]
        return [np.stack(grads)]


@exercise(8)
@pytest.mark.parametrize("size", [2, 3])
def test_exercise_8_depthwise_convolution(size: int) -> None:
    kernels = RNG.integers(-2, 3, (3, size, size)).astype(float)
    yours, expected = my_layers.MyDepthwiseConvolution(kernels), Depthwise(kernels)
    compare_layers("MyDepthwiseConvolution", yours, expected, INPUTS, ["kernels"])
