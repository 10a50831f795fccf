"""Pooling by hand, against PyTorch, differences and hand-worked values."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from convnets.core.errors import UserError
from convnets.layers.layer import Layer
from convnets.layers.pooling import AveragePooling, MaxPlusAveragePooling, MaxPooling
from layer_checks import assert_gradients_are_differences, random

KINDS = (MaxPooling, AveragePooling, MaxPlusAveragePooling)
every_kind = pytest.mark.parametrize("kind", KINDS)
IMAGE = np.array([[1.0, 2, 5, 5], [4, 3, 5, 5], [0, 0, -1, -2], [0, 0, -3, -4]])


def pooled_by_pytorch(kind: type[Layer], inputs: Tensor, *window: int) -> Tensor:
    maximum, average = max_pool2d(inputs, *window), avg_pool2d(inputs, *window)
    return {MaxPooling: maximum, AveragePooling: average}.get(kind, maximum + average)


@st.composite
def pools(draw: st.DrawFn) -> tuple[tuple[int, int, int, int], tuple[int, int, int]]:
    """Shape of features; size, stride and padding of the pools (PyTorch allows half the size)."""
    size, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    padding = draw(st.integers(0, size // 2))
    least = max(1, size - 2 * padding)
    height, width = (least + draw(st.integers(0, 6)) for _ in range(2))
    return (draw(st.integers(1, 3)), draw(st.integers(1, 3)), height, width), (
        size,
        stride,
        padding,
    )


@every_kind
@pytest.mark.parametrize("levels", [2, 1000])
@settings(max_examples=150, deadline=None)
@given(pool=pools())
def test_agrees_with_pytorch(
    kind: type[MaxPooling],
    levels: int,
    pool: tuple[tuple[int, int, int, int], tuple[int, int, int]],
) -> None:
    shape, window = pool
    inputs = np.floor(random(*shape) * levels)  # with few levels, most maxima are ties
    layer = kind(*window)
    outputs = layer.fprop(inputs)
    grads = random(*outputs.shape, seed=1)
    tensor = torch.from_numpy(inputs).requires_grad_()
    expected = pooled_by_pytorch(kind, tensor, *window)
    expected.backward(torch.from_numpy(grads))
    assert tensor.grad is not None
    np.testing.assert_allclose(outputs, expected.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(
        layer.bprop(inputs, outputs, grads), tensor.grad.numpy(), rtol=0, atol=1e-13
    )


@every_kind
@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(2, 2, 1), (3, 2, 0), (3, 1, 2), (1, 1, 0)]
)
def test_gradients_are_finite_differences(
    kind: type[MaxPooling], size: int, stride: int, padding: int
) -> None:
    assert_gradients_are_differences(kind(size, stride, padding), random(2, 2, 5, 6))


def test_maximum_of_figure_3_worked_by_hand() -> None:
    inputs = IMAGE.reshape(1, 1, 4, 4)
    layer = MaxPooling(2)
    outputs = layer.fprop(inputs)
    assert outputs[0, 0].tolist() == [[4, 5], [0, -1]]
    grads = np.array([[1.0, 2], [3, 4]]).reshape(1, 1, 2, 2)
    # Of the four fives, and of the four zeros, the first gets all; 12 of 16 pixels get nothing.
    expected = [[0, 0, 2, 0], [1, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]
    assert layer.bprop(inputs, outputs, grads)[0, 0].tolist() == expected


def test_average_and_sum_worked_by_hand() -> None:
    inputs = IMAGE.reshape(1, 1, 4, 4)
    assert AveragePooling(2).fprop(inputs)[0, 0].tolist() == [[2.5, 5], [0, -2.5]]
    assert MaxPlusAveragePooling(2).fprop(inputs)[0, 0].tolist() == [[6.5, 10], [0, -3.5]]
    layer = AveragePooling(2)
    grads = np.array([[4.0, 8], [12, 16]]).reshape(1, 1, 2, 2)
    shares = layer.bprop(inputs, layer.fprop(inputs), grads)[0, 0]
    assert shares.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


def test_padding_never_is_the_maximum_and_counts_in_the_mean() -> None:
    inputs = np.full((1, 1, 2, 2), -8.0)
    assert MaxPooling(2, padding=1).fprop(inputs)[0, 0].tolist() == [[-8, -8], [-8, -8]]
    assert AveragePooling(2, padding=1).fprop(inputs)[0, 0].tolist() == [[-2, -2], [-2, -2]]


def test_overlapping_pools_add_their_gradients_at_a_shared_maximum() -> None:
    inputs = np.zeros((1, 1, 3, 3))
    inputs[0, 0, 1, 1] = 1
    layer = MaxPooling(2, stride=1)
    grads = np.array([[1.0, 10], [100, 1000]]).reshape(1, 1, 2, 2)
    assert layer.bprop(inputs, layer.fprop(inputs), grads)[0, 0, 1, 1] == 1111


@every_kind
def test_a_pool_that_does_not_fit_is_an_error(kind: type[MaxPooling]) -> None:
    with pytest.raises(UserError, match=r"window of width 4 .* width of 3 .*padding 1 or more"):
        kind(4).fprop(random(1, 1, 4, 3))


@every_kind
def test_a_pool_of_padding_only_is_an_error(kind: type[MaxPooling]) -> None:
    with pytest.raises(UserError, match=r"padding 2 with pool size 2: .* make it 1 or less"):
        kind(2, padding=2)
