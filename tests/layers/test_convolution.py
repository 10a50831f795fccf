"""Convolution by hand: four implementations against PyTorch, differences and hand-worked values."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch.nn.functional import conv2d

from convnets.core.errors import UserError
from convnets.layers.convolution import ConvolutionLayer
from convnets.layers.convolution_im2col import Im2colConvolution, im2col
from convnets.layers.convolution_views import ViewConvolution
from convnets.layers.window import Window
from layer_checks import IMPLEMENTATIONS, Case, assert_gradients_are_differences, cases, random

every_implementation = pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
TOLERANCE = {np.float64: 1e-13, np.float32: 2e-5}


def results(layer: ConvolutionLayer, inputs: np.ndarray) -> list[np.ndarray]:
    """Outputs, and gradients with respect to inputs, weights and bias, of a random error."""
    outputs = layer.fprop(inputs)
    grads = random(*outputs.shape, seed=1).astype(inputs.dtype)
    return [outputs, layer.bprop(inputs, outputs, grads), *layer.grads_wrt_params(inputs, grads)]


def results_of_pytorch(case: Case, *arrays: np.ndarray) -> list[np.ndarray]:
    """The same by autograd; `arrays` are inputs, weights, bias."""
    inputs, weights, bias = (torch.from_numpy(array).requires_grad_() for array in arrays)
    outputs = conv2d(inputs, weights, bias, case.stride, case.padding, case.dilation)
    grads = torch.from_numpy(random(*outputs.shape, seed=1)).to(inputs.dtype)
    outputs.backward(grads)
    return [
        outputs.detach().numpy(),
        *(tensor.grad.numpy() for tensor in (inputs, weights, bias) if tensor.grad is not None),
    ]


@every_implementation
@pytest.mark.parametrize("dtype", TOLERANCE)
@settings(max_examples=150, deadline=None)
@given(case=cases())
def test_agrees_with_pytorch(
    implementation: type[ConvolutionLayer], dtype: type, case: Case
) -> None:
    arrays = [random(*shape).astype(dtype) for shape in (case.inputs, case.weights)]
    inputs, weights, bias = (*arrays, random(len(arrays[1]), seed=2).astype(dtype))
    layer = implementation(weights, bias, case.stride, case.padding, case.dilation)
    expected = results_of_pytorch(case, inputs, weights, bias)
    for ours, theirs in zip(results(layer, inputs), expected, strict=True):
        assert ours.dtype == dtype
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE[dtype])


@every_implementation
@pytest.mark.parametrize(
    "case",
    [
        Case((2, 2, 5, 4), (3, 2, 3, 2), 1, 0, 1),
        Case((1, 2, 6, 6), (2, 2, 3, 3), 2, 1, 1),
        Case((1, 1, 7, 8), (2, 1, 3, 2), 3, 2, 3),
        Case((2, 3, 1, 1), (2, 3, 1, 1), 1, 0, 1),
        Case((1, 2, 4, 4), (1, 2, 4, 4), 1, 0, 1),
    ],
)
def test_gradients_are_finite_differences(
    implementation: type[ConvolutionLayer], case: Case
) -> None:
    weights, bias = random(*case.weights), random(case.weights[0], seed=2)
    layer = implementation(weights, bias, case.stride, case.padding, case.dilation)
    assert_gradients_are_differences(layer, random(*case.inputs))


@every_implementation
def test_equation_1_worked_by_hand(implementation: type[ConvolutionLayer]) -> None:
    x = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]).reshape(1, 1, 3, 3)
    w = np.array([[1.0, 0], [0, -1]]).reshape(1, 1, 2, 2)
    b = np.array([10.0])
    layer = implementation(w, b)
    # Each h is 10 plus a pixel less its neighbour below and to the right: 10 + 1 - 5.
    h = layer.fprop(x)
    np.testing.assert_allclose(h, np.full((1, 1, 2, 2), 6.0), atol=1e-12)
    grads = np.array([[1.0, 2], [3, 4]]).reshape(1, 1, 2, 2)
    # Each pixel gets the gradient of the h at its place less that of the h above and left of it.
    expected = [[1, 2, 0], [3, 4 - 1, -2], [0, -3, -4]]
    np.testing.assert_allclose(layer.bprop(x, h, grads)[0, 0], expected, atol=1e-12)
    # Equation 2: 1*1 + 2*2 + 3*4 + 4*5 = 37, and so on.
    grads_wrt_weights, grads_wrt_bias = layer.grads_wrt_params(x, grads)
    np.testing.assert_allclose(grads_wrt_weights[0, 0], [[37, 47], [67, 77]], atol=1e-12)
    np.testing.assert_allclose(grads_wrt_bias, [10], atol=1e-12)


@every_implementation
def test_stride_padding_and_dilation_worked_by_hand(implementation: type[ConvolutionLayer]) -> None:
    x = np.arange(1.0, 17).reshape(1, 1, 4, 4)
    corners = np.ones((1, 1, 2, 2))
    layer = implementation(corners, stride=3, padding=1, dilation=2)
    # The kernel's corners meet rows and columns 0 and 2, or 3 and 5, of the padded input.
    np.testing.assert_allclose(layer.fprop(x)[0, 0], [[6, 7], [10, 11]], atol=1e-12)


@every_implementation
def test_channels_are_summed_and_images_are_not(implementation: type[ConvolutionLayer]) -> None:
    x = np.array([[1.0, 10], [2.0, 20]]).reshape(2, 2, 1, 1)
    w = np.array([[1.0, 1], [0, 3], [2, 0]]).reshape(3, 2, 1, 1)
    np.testing.assert_allclose(implementation(w).fprop(x)[:, :, 0, 0], [[11, 30, 2], [22, 60, 4]])


@every_implementation
def test_pixels_that_no_window_covers_get_no_gradient(
    implementation: type[ConvolutionLayer],
) -> None:
    x, w = random(1, 1, 6, 6), random(1, 1, 2, 2)
    layer = implementation(w, stride=3)
    grads = layer.bprop(x, layer.fprop(x), np.ones((1, 1, 2, 2)))
    assert np.abs(grads[:, :, [2, 5]]).max() == pytest.approx(0, abs=1e-15)
    assert np.abs(grads[:, :, :, [2, 5]]).max() == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(grads[0, 0, 3:5, 3:5], w[0, 0], atol=1e-12)


def test_im2col_makes_the_columns_of_figure_4() -> None:
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    columns = im2col(x, Window((2, 2)))
    assert columns.T.tolist() == [[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]


def test_views_need_no_columns() -> None:
    x, w = random(4, 16, 28, 28), random(4, 16, 5, 5)
    peaks = {}
    for implementation in (Im2colConvolution, ViewConvolution):
        tracemalloc.start()
        implementation(w).fprop(x)
        peaks[implementation] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    columns = 8 * 16 * 25 * 4 * 24**2
    assert peaks[Im2colConvolution] > columns
    assert peaks[ViewConvolution] < x.nbytes < columns / 10


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((1, 1, 4, 9), {}, "window of height 5 .* height of 4 .*padding 1 or more"),
        ((1, 1, 9, 3), {}, "window of width 5 .* width of 3 .*padding 1 or more"),
        ((1, 1, 8, 8), {"dilation": 2}, "dilation 2 covers 9 pixels, .* height of 8"),
        ((1, 1, 0, 8), {"padding": 4}, "height is 0, expected 1 or more"),
        ((1, 2, 8, 8), {}, r"shape \(1, 2, 8, 8\), expected \(batch, 1, height, width\)"),
        ((8, 8), {}, r"shape \(8, 8\), expected \(batch, 1, height, width\)"),
    ],
)
@every_implementation
def test_a_shape_without_output_is_an_error_that_says_why(
    implementation: type[ConvolutionLayer],
    shape: tuple[int, ...],
    options: dict[str, int],
    message: str,
) -> None:
    with pytest.raises(UserError, match=message):
        implementation(random(1, 1, 5, 5), **options).fprop(random(*shape))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "stride is 0, expected 1 or more"),
        ({"padding": -1}, "padding is -1, expected 0 or more"),
        ({"dilation": 0}, "dilation is 0, expected 1 or more"),
        ({"bias": np.zeros(2)}, r"bias has shape \(2,\), expected \(1,\)"),
    ],
)
def test_an_impossible_layer_is_an_error(options: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Im2colConvolution(random(1, 1, 3, 3), **options)


def test_weights_of_another_shape_are_an_error() -> None:
    with pytest.raises(UserError, match=r"weights have shape \(3, 3\), expected \(out channels"):
        Im2colConvolution(random(3, 3))
