"""PyTorch modules that run the compiled kernels, and their place in a network.

Features are (batch, channels, height, width), bfloat16 or float32, channels last for pooling. ReLU
overwrites features and gradients, which nothing else reads in a chain of modules.
"""

from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from convnets.architectures import avg_pool, max_avg_pool, max_pool, mix_pool
from convnets.architectures.operations import Pooling
from convnets.architectures.pytorch import PaddedConvolution, PoolingLayer
from convnets.training.kernels import compiled
from convnets.training.kernels.lanes import LANES, TAPS
from convnets.training.kernels.weight_gradient import OUTPUTS, weight_gradient
from convnets.training.network import AverageTo2x2

LARGEST_WINDOW = 3
"""Widest pooling window whose notes fit in 16 bits."""
POOLINGS = {
    max_pool.pool: (True, False),
    avg_pool.pool: (False, True),
    max_avg_pool.pool: (True, True),
}
"""Whether a kind of pooling takes the maximum, and whether it takes the average."""


def fuse(network: nn.Sequential, precision: torch.dtype) -> None:
    """Replace modules of `network`, whose products have this `precision`, by compiled kernels.

    Modules keep their positions, so parameters keep their names. PyTorch still computes custom
    methods, windows that overlap or are wider than `LARGEST_WINDOW`, and features whose number of
    channels is not a multiple of `LANES`.
    """
    channels = 1
    for index in range(len(network) - 1):
        first, second = network[index], network[index + 1]
        if isinstance(first, nn.Conv2d):
            channels = first.out_channels
            if precision == torch.bfloat16 and _gains_from_our_gradient(first):
                network[index] = bfloat16_convolution(first)
        if channels % LANES:
            continue
        fused = _fused(first, second)
        if fused is not None:
            network[index], network[index + 1] = fused, nn.Identity()
        elif isinstance(first, nn.ReLU):
            network[index] = Relu()
        elif isinstance(first, AverageTo2x2) and _is_positive(network[index - 1]):
            network[index] = Kernel(_ReluAverageTo2x2)
    first, second = network[0], network[1]
    if _is_stem(first) and isinstance(second, Kernel) and second.function is _ReluPooling:
        stem = Kernel(
            _Stem, *second.arguments, int(first.padding[0]), precision, weight=first.weight
        )
        network[0], network[1] = stem, nn.Identity()


def bfloat16_convolution(layer: nn.Conv2d) -> "Kernel":
    """The convolution `layer` in bfloat16, with a weight gradient that is up to twice as fast."""
    geometry = layer.stride[0], int(layer.padding[0]), layer.dilation[0]
    return Kernel(_Convolution, geometry, weight=layer.weight)


def _gains_from_our_gradient(layer: nn.Conv2d) -> bool:
    """Whether processor and layer suit our weight gradient. With AMX, PyTorch's is faster."""
    features = torch.cpu.get_capabilities()
    able = features.get("avx512_bf16", False) and not features.get("amx_bf16", False)
    wide = layer.in_channels % LANES == 0 and layer.out_channels % OUTPUTS == 0
    plain = type(layer) in (nn.Conv2d, PaddedConvolution) and layer.groups == 1
    return able and wide and plain and layer.bias is None


def _is_stem(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether `layer` is a convolution that the kernel of the first layer can compute."""
    if not isinstance(layer, nn.Conv2d) or layer.bias is not None:
        return False
    plain = layer.stride == layer.dilation == (1, 1)
    return plain and layer.in_channels == 1 and layer.kernel_size == (3, 3)


def _is_positive(module: nn.Module) -> bool:
    """Whether the outputs of `module` are pooled outputs of ReLU, which another ReLU keeps."""
    pool = module.pooling.pool if isinstance(module, PoolingLayer) else None
    return isinstance(module, nn.Identity) or pool in (*POOLINGS, mix_pool.pool)


def _fused(first: nn.Module, second: nn.Module) -> nn.Module | None:
    """A module for two successive ones, one of which is ReLU; None if no kernel computes both."""
    if isinstance(first, PoolingLayer) and isinstance(second, nn.ReLU):
        first, second = second, first  # pooling comes first only if the two commute
    if not isinstance(first, nn.ReLU):
        return None
    if isinstance(second, AverageTo2x2):
        return Kernel(_ReluAverageTo2x2)
    if not isinstance(second, PoolingLayer) or second.pooling.pool not in POOLINGS:
        return None
    fits = second.pooling.window <= min(LARGEST_WINDOW, second.pooling.stride)
    return Kernel(_ReluPooling, second.pooling) if fits else None


class Relu(nn.Module):
    """ReLU in place."""

    def forward(self, features: Tensor) -> Tensor:
        """Clamp features of any memory layout."""
        dense = features.is_contiguous() or features.permute(0, 2, 3, 1).is_contiguous()
        return _Relu.apply(features) if dense else features.relu()  # from a custom method


class Kernel(nn.Module):
    """One of the functions below as a module, with the weights of the layer that it replaces."""

    def __init__(
        self, function: type[torch.autograd.Function], *arguments: Any, weight: Tensor | None = None
    ) -> None:
        super().__init__()
        self.function, self.arguments, self.weight = function, arguments, weight

    def forward(self, features: Tensor) -> Tensor:
        """Outputs for features, or images, (batch, channels, height, width)."""
        return self.function.apply(features, *self.parameters(), *self.arguments)


class _Relu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        flat = _flat(features)
        compiled.relu(flat, flat, flat)
        ctx.mark_dirty(features)
        ctx.save_for_backward(features)
        return features

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (relued,) = ctx.saved_tensors
        last = relued.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        gradient = gradient.contiguous(memory_format=layout)
        flat = _flat(gradient)
        compiled.relu(flat, _flat(relued), flat)
        return gradient


class _ReluPooling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, pooling: Pooling) -> Tensor:
        inputs = _channels_last(features)
        ctx.pooling, ctx.shape = pooling, inputs.shape
        flat = _flat(inputs)
        return _pool(ctx, flat, flat, inputs.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (notes,) = ctx.saved_tensors
        given = _channels_last(gradient)
        _, height, width, _, rows, columns, stride, padding = ctx.geometry
        ends = rows * stride - padding, columns * stride - padding
        covered = stride == ctx.pooling.window and ends[0] >= height and ends[1] >= width
        out = (given.new_empty if covered else given.new_zeros)(ctx.shape)
        flat = _flat(given)
        ctx.backward_kernel(flat, _flat(notes), flat, ctx.geometry, _flat(out))
        return out.permute(0, 3, 1, 2), None


class _Stem(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        images: Tensor,
        weight: Tensor,
        pooling: Pooling,
        padding: int,
        precision: torch.dtype,
    ) -> Tensor:
        pixels = pad(images.to(precision).float(), [padding] * 4)
        batch, _, height, width = pixels.shape
        taps = weight.detach().to(precision).float().view(-1, TAPS).t().contiguous()
        ctx.pooling, ctx.shape = pooling, (batch, height - 2, width - 2, len(weight))
        ctx.pixels = _flat(pixels)
        return _pool(ctx, ctx.pixels, _flat(taps), precision)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None, None, None]:
        (notes,) = ctx.saved_tensors
        sums = torch.zeros(TAPS, ctx.shape[3])
        given = _flat(_channels_last(gradient))
        ctx.backward_kernel(given, _flat(notes), ctx.pixels, ctx.geometry, _flat(sums))
        return None, sums.t().contiguous().view(-1, 1, 3, 3), None, None, None


def _pool(ctx: Any, source: np.ndarray, weights: np.ndarray, precision: torch.dtype) -> Tensor:
    """Outputs of `ctx.pooling` for features of `ctx.shape`; the notes of the windows are saved."""
    pooling: Pooling = ctx.pooling
    maximum, average = POOLINGS[pooling.pool]
    batch, height, width, channels = ctx.shape
    rows, columns = (replace(pooling, width=size).size[1] for size in (height, width))
    stem = source is not weights
    kernel = compiled.pooling(maximum, average, pooling.window, stem)
    ctx.backward_kernel = compiled.pooling_backward(average, pooling.window, stem)
    ctx.geometry = (*ctx.shape, rows, columns, pooling.stride, pooling.padding)
    out = torch.empty(batch, rows, columns, channels, dtype=precision)
    notes = torch.empty(out.shape, dtype=torch.uint16 if average else torch.uint8)
    kernel(source, weights, ctx.geometry, _flat(out), _flat(notes))
    ctx.save_for_backward(notes)
    return out.permute(0, 3, 1, 2)


class _ReluAverageTo2x2(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        inputs = _channels_last(features)
        batch, width, _, channels = inputs.shape
        out = inputs.new_empty(batch, 2, 2, channels)
        compiled.average_to_2x2(_flat(inputs), (batch, width, channels), _flat(out))
        ctx.save_for_backward(inputs)
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (inputs,) = ctx.saved_tensors
        batch, width, _, channels = inputs.shape
        given, out = _flat(_channels_last(gradient)), torch.empty_like(inputs)
        geometry = (batch, width, channels)
        compiled.average_to_2x2_backward(given, _flat(inputs), geometry, _flat(out))
        return out.permute(0, 3, 1, 2)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, geometry: tuple[int, int, int]
    ) -> Tensor:
        features, weight = features.to(torch.bfloat16), weight.to(torch.bfloat16)
        ctx.save_for_backward(features, weight)
        ctx.geometry = geometry
        return torch.conv2d(features, weight, None, *geometry)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        features, weight = ctx.saved_tensors
        steps = [[number] * 2 for number in ctx.geometry]
        before, _, _ = torch.ops.aten.convolution_backward(
            gradient, features, weight, None, *steps, False, [0, 0], 1, [True, False, False]
        )
        given, inputs = _channels_last(gradient), _channels_last(features)
        filters, channels, kernel, _ = weight.shape
        sums = torch.zeros(kernel, kernel, channels, filters)
        shapes, geometry = (*inputs.shape, *given.shape[1:]), (kernel, *ctx.geometry)
        weight_gradient(_flat(given), _flat(inputs), shapes, geometry, _flat(sums))
        return before, sums.permute(3, 2, 0, 1), None


def _channels_last(features: Tensor) -> Tensor:
    """Features as contiguous (batch, height, width, channels); a view if they are channels last."""
    return features.permute(0, 2, 3, 1).contiguous()


def _flat(tensor: Tensor) -> np.ndarray:
    """A view of the numbers of a dense tensor in their order in memory, bfloat16 as int16."""
    if not tensor.is_contiguous():
        tensor = tensor.permute(0, 2, 3, 1)
    bits = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor
    return bits.detach().view(-1).numpy()
