"""Claims on how layers work, judged by computing with them: parameters, im2col, max pooling.

Each measure has a value, the range of its repetitions, and a text on how it came about. None of
them needs a trained network.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d, pad, unfold

from convnets.network import build_network
from convnets.variant import Variant

DILATIONS: dict[str, dict[str, Any]] = {
    "i+1": {"dilation": (1, 2, 3, 4)},
    "i+2": {"dilation": (2, 3, 4, 5)},
    "i+3": {"dilation": (3, 4, 5, 6), "dilated_padding": 2, "dilated_stride": (1, 1, 1, 2)},
    "2": {"dilation": 2},
}
"""The dilations of Table 5 by their names there."""
KERNEL = 3
CHANNELS = 64
"""Number of filters of the paper's default architecture (Section 4)."""
WIDTH = 27
"""A multiple of the kernel, so that windows that do not overlap cover all pixels."""
REPEATS = 5


@dataclass(frozen=True)
class Measure:
    """One measured number."""

    value: float
    low: float
    high: float
    how: str


def measure_mechanism() -> dict[str, dict[str, Any]]:
    """All measures by name, as `config/claims.yaml` asks for them."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, CHANNELS, WIDTH, WIDTH, generator=generator)
    kernels = torch.randn(CHANNELS, CHANNELS, KERNEL, KERNEL, generator=generator)
    return {
        name: asdict(measure)
        for name, measure in {
            "parameters_with_over_without_dilation": parameters_of_dilation(),
            "elementwise_over_im2col_seconds": speed_of_im2col(images, kernels),
            "im2col_over_input_size_at_stride_1": size_of_im2col(images, 1),
            "im2col_over_input_size_at_stride_of_kernel": size_of_im2col(images, KERNEL),
            **gradient_of_max_pooling(images[:, :, :26, :26]),
        }.items()
    }


def parameters_of_dilation() -> Measure:
    """Parameters of each dilated network over those of the same network with dilation 1."""
    ratios = []
    for keys in DILATIONS.values():
        dilated, plain = (
            build_network(Variant("dilation", "dilation", **keys | changed), seed=0)
            for changed in ({}, {"dilation": 1})
        )
        ratios.append(_parameters(dilated) / _parameters(plain))
    return _of(ratios, f"networks with dilation {', '.join(DILATIONS)} over the same with 1")


def speed_of_im2col(images: Tensor, kernels: Tensor) -> Measure:
    """Seconds of the elementwise convolution over those of im2col, in turns."""
    ways = (elementwise_convolution, im2col_convolution)
    pairs = [[_seconds(way, images, kernels) for way in ways] for _ in range(1 + REPEATS)]
    ratios = [elementwise / im2col for elementwise, im2col in pairs[1:]]  # the first warms up
    how = (
        f"median of {REPEATS} forward passes each of {len(images)} images of {CHANNELS} channels "
        f"and {WIDTH}×{WIDTH} pixels on a processor; the elementwise way loops over pixels only"
    )
    return _of(ratios, how)


def elementwise_convolution(images: Tensor, kernels: Tensor) -> Tensor:
    """Equation 1, output pixel by output pixel, with stride 1 and padding 1 (paper, Section 2)."""
    padded = pad(images, (1, 1, 1, 1))
    rows = []
    for row in range(images.shape[2]):
        windows = [
            padded[:, None, :, row : row + KERNEL, column : column + KERNEL]
            for column in range(images.shape[3])
        ]
        rows.append(torch.stack([(kernels * w).sum(dim=(2, 3, 4)) for w in windows], dim=-1))
    return torch.stack(rows, dim=-2)


def im2col_convolution(images: Tensor, kernels: Tensor) -> Tensor:
    """The same by "serialization": windows become columns of one matrix product."""
    columns = unfold(images, KERNEL, padding=1)
    product = kernels.flatten(start_dim=1) @ columns
    return product.unflatten(-1, images.shape[2:])


def size_of_im2col(images: Tensor, stride: int) -> Measure:
    """Numbers in the columns over numbers in the images, without padding."""
    ratio = unfold(images, KERNEL, stride=stride).numel() / images.numel()
    return _of([ratio], f"{KERNEL}×{KERNEL} windows with stride {stride} of {WIDTH}×{WIDTH} pixels")


def gradient_of_max_pooling(images: Tensor) -> dict[str, Measure]:
    """What 2x2 max pooling with stride 2 discards, and where its gradient goes."""
    inputs = images.clone().requires_grad_()
    pooled = max_pool2d(inputs, kernel_size=2, stride=2)
    pooled.backward(torch.ones_like(pooled))
    assert inputs.grad is not None
    is_maximum = images == interpolate(pooled.detach(), scale_factor=2)
    gradient = inputs.grad.abs()
    reached = (gradient[is_maximum] > 0).double().mean().item()
    elsewhere = (gradient[~is_maximum].sum() / gradient.sum()).item()
    how = "2×2 windows with stride 2 of random features, gradient by automatic differentiation"
    return {
        "share_discarded_by_max_pooling": _of([1 - pooled.numel() / images.numel()], how),
        "share_of_maxima_with_gradient": _of([reached], how),
        "share_of_gradient_elsewhere": _of([elsewhere], how),
    }


def _parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _seconds(way: Callable[[Tensor, Tensor], Tensor], images: Tensor, kernels: Tensor) -> float:
    start = time.perf_counter()
    way(images, kernels)
    return time.perf_counter() - start


def _of(values: Sequence[float], how: str) -> Measure:
    return Measure(statistics.median(values), min(values), max(values), how)
