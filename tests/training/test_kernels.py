"""The compiled kernels give PyTorch's numbers."""

import itertools
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from convnets.architectures import avg_pool, max_avg_pool, max_pool
from convnets.architectures.operations import Pooling
from convnets.architectures.pytorch import PoolingLayer
from convnets.architectures.variant import Variant
from convnets.training.kernels.modules import Kernel, Relu, fuse
from convnets.training.network import AverageTo2x2, build_network

CHANNELS = 32
LAYOUTS = {"last": torch.channels_last, "first": torch.contiguous_format}
PRECISIONS = (torch.bfloat16, torch.float32)
GEOMETRIES = ((2, 2, 1), (2, 2, 0), (3, 3, 1), (3, 3, 0), (2, 3, 1), (3, 5, 0))
"""Window, stride and padding; where the stride is larger, windows leave gaps."""


def pooling_layer(method: ModuleType, window: int, stride: int, padding: int = 0) -> PoolingLayer:
    return PoolingLayer(Pooling((1, 1), 28, window, padding, stride, pool=method.pool))


POOLINGS = {
    f"{method.__name__} {geometry}": pooling_layer(method, *geometry)
    for method, geometry in itertools.product((max_pool, avg_pool, max_avg_pool), GEOMETRIES)
}


@pytest.fixture(autouse=True)
def one_thread_and_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def features(width: int, precision: torch.dtype, layout: str, seed: int = 0) -> Tensor:
    """Random features, half of them halves, so that many are equal or zero."""
    generator = torch.Generator().manual_seed(seed)
    values, noise = torch.randn(2, 3, CHANNELS, width, width, generator=generator)
    even = torch.rand(values.shape, generator=generator) < 0.5
    mixed = torch.where(even, (2 * values).round() / 2, noise).to(precision)
    return mixed.contiguous(memory_format=LAYOUTS[layout])


def run(module: nn.Module, values: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs, and the gradient of `values` from random gradients of the outputs."""
    leaf = values.clone().requires_grad_()
    out = module(leaf * 1)  # ReLU may overwrite what it is given
    slope = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(values.dtype)
    (gradient,) = torch.autograd.grad(out, leaf, slope)
    return out, gradient


def fused(*modules: nn.Module) -> nn.Sequential:
    """`modules` after a convolution, fused, without the convolution."""
    network = nn.Sequential(nn.Conv2d(2, CHANNELS, 3), *modules, nn.Flatten())
    fuse(network, torch.bfloat16)
    return network[1:-1]


def name_of(module: nn.Module) -> str:
    """The class of a module, or the function of a kernel."""
    return module.function.__name__ if isinstance(module, Kernel) else type(module).__name__


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("width", [15, 28, 4])
@pytest.mark.parametrize("name", POOLINGS)
def test_pooling_has_pytorch_s_bits(
    name: str, width: int, layout: str, precision: torch.dtype
) -> None:
    pooling = POOLINGS[name]
    module = fused(nn.ReLU(), pooling)
    assert name_of(module[0]) == "_ReluPooling"
    values = features(width, precision, layout)
    for found, expected in zip(
        run(module, values), run(nn.Sequential(nn.ReLU(), pooling), values), strict=True
    ):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_relu_has_pytorch_s_bits(layout: str, precision: torch.dtype) -> None:
    module = fused(nn.ReLU(), nn.Conv2d(CHANNELS, CHANNELS, 3))[:1]
    assert isinstance(module[0], Relu)
    values = features(7, precision, layout)
    for found, expected in zip(run(module, values), run(nn.ReLU(), values), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("width", [3, 4, 7, 28])
def test_the_head_is_pytorch_s(width: int, layout: str, precision: torch.dtype) -> None:
    module = fused(nn.ReLU(), AverageTo2x2())
    assert name_of(module[0]) == "_ReluAverageTo2x2"
    values = features(width, precision, layout)
    out, gradient = run(module, values)
    expected, expected_gradient = run(nn.Sequential(nn.ReLU(), AverageTo2x2()), values)
    assert torch.equal(out, expected)
    # Two means share the middle of an odd width; PyTorch rounds the sum of their gradients once
    # more in bfloat16.
    tolerance = 2**-7 if width % 2 and precision == torch.bfloat16 else 1e-6
    assert (gradient - expected_gradient).abs().max() <= tolerance * expected_gradient.abs().max()


@pytest.mark.parametrize("module", [Relu(), *(fused(nn.ReLU(), p) for p in POOLINGS.values())])
def test_values_that_are_not_finite_pass(module: nn.Module) -> None:
    values = features(8, torch.bfloat16, "last")
    for value in (torch.nan, -torch.nan, torch.inf):
        values[0, :, 0, 0] = value  # in a window, whatever the gaps
        assert not torch.isfinite(module(values.clone())).all()


def test_negative_infinity_and_zeros_are_zero() -> None:
    values = torch.tensor([-torch.inf, -0.0, 0.0, -1e-40] * 8).view(1, CHANNELS, 1, 1)
    assert torch.equal(Relu()(values.clone()), torch.zeros_like(values))


@pytest.mark.parametrize(
    "pooling",
    [
        pooling_layer(max_pool, 3, 2, 1),
        pooling_layer(avg_pool, 4, 4),
        pooling_layer(max_avg_pool, 2, 1),
    ],
)
def test_overlapping_and_wide_windows_are_pytorch_s(pooling: nn.Module) -> None:
    module = fused(nn.ReLU(), pooling)
    assert module[1] is pooling
    assert isinstance(module[0], Relu)


def test_channels_that_do_not_fill_vectors_are_pytorch_s() -> None:
    network = build_network(Variant(id="narrow", method="max_pool", filters=(16, 8, 16, 16)), 0)
    fuse(network, torch.bfloat16)
    names = [name_of(module) for module in network]
    expected = {"_Stem": 1, "_ReluPooling": 2, "PoolingLayer": 1, "ReLU": 1}
    assert {name: names.count(name) for name in expected} == expected


def relative(found: Tensor, expected: Tensor) -> float:
    """Norm of the difference over the norm of what was expected."""
    return ((found.double() - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("name", POOLINGS)
def test_the_stem_is_convolution_relu_and_pooling(
    name: str, padding: int, precision: torch.dtype
) -> None:
    layer = nn.Conv2d(1, CHANNELS, 3, padding=padding, bias=False)
    pooling = POOLINGS[name]
    network = nn.Sequential(layer, nn.ReLU(), pooling, nn.Flatten())
    fuse(network, precision)
    assert name_of(network[0]) == "_Stem"
    images = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(3))
    exact = [tensor.to(precision).double() for tensor in (images, layer.weight.detach())]
    weights = exact[1].requires_grad_()
    features = torch.conv2d(exact[0], weights, padding=padding)
    expected = pooling(features.to(precision).double().relu())
    slope = torch.randn(expected.shape, generator=torch.Generator().manual_seed(4)).to(precision)
    out = network[:-1](images)
    (found,) = torch.autograd.grad(out, layer.weight, slope)
    tolerance = 2**-8 if precision == torch.bfloat16 else 1e-5
    assert relative(out, expected) < tolerance
    (gradient,) = torch.autograd.grad(expected, weights, slope.double())
    assert relative(found, gradient) < 4 * tolerance
