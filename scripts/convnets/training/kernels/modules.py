"""The compiled kernels as PyTorch modules, and networks rebuilt with them.

Features are (batch, channels, height, width), bfloat16 or float32, channels last for pooling. ReLU
overwrites features and gradients: in a chain of modules nothing else needs them.
"""

from dataclasses import replace
from typing import Any

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
    """Let compiled kernels compute what they can of `network`, whose products are of `precision`.

    Modules keep their places, so parameters keep their names. PyTorch's operations stay where no
    kernel fits: methods of one's own, windows that overlap or are wider than `LARGEST_WINDOW`, and
    numbers of channels that do not fill the processor's vectors.
    """
    channels = 1
    for index in range(len(network) - 1):
        first, second = network[index], network[index + 1]
        if isinstance(first, nn.Conv2d):
            channels = first.out_channels
            if precision == torch.bfloat16 and Bfloat16Convolution.fits(first):
                network[index] = Bfloat16Convolution(first)
        if channels % LANES:
            continue
        fused = _fused(first, second)
        if fused is not None:
            network[index], network[index + 1] = fused, nn.Identity()
        elif isinstance(first, nn.ReLU):
            network[index] = Relu()
        elif isinstance(first, AverageTo2x2) and _is_positive(network[index - 1]):
            network[index] = ReluAverageTo2x2()
    first, second = network[0], network[1]
    if isinstance(first, nn.Conv2d) and isinstance(second, ReluPooling) and Stem.fits(first):
        network[0], network[1] = Stem(first, second.pooling, precision), nn.Identity()


def _is_positive(module: nn.Module) -> bool:
    """Whether ReLU changes nothing after `module`, because its outputs are from pooling ReLU's."""
    pool = module.pooling.pool if isinstance(module, PoolingLayer) else None
    return isinstance(module, nn.Identity) or pool in (*POOLINGS, mix_pool.pool)


def _fused(first: nn.Module, second: nn.Module) -> nn.Module | None:
    """One module for two neighbours of which one is ReLU, if there is a kernel for both."""
    if isinstance(first, PoolingLayer) and isinstance(second, nn.ReLU):
        first, second = second, first  # only where the two commute, pooling comes first
    if not isinstance(first, nn.ReLU):
        return None
    if isinstance(second, AverageTo2x2):
        return ReluAverageTo2x2()
    if not isinstance(second, PoolingLayer) or second.pooling.pool not in POOLINGS:
        return None
    pooling = second.pooling
    if pooling.window > LARGEST_WINDOW or pooling.stride < pooling.window:
        return None
    return ReluPooling(pooling)


class Relu(nn.Module):
    """ReLU in place."""

    def forward(self, features: Tensor) -> Tensor:
        """Clamp features of any layout."""
        dense = features.is_contiguous() or features.permute(0, 2, 3, 1).is_contiguous()
        return _Relu.apply(features) if dense else features.relu()  # of a method of one's own


class ReluPooling(nn.Module):
    """ReLU, then pooling."""

    def __init__(self, pooling: Pooling) -> None:
        super().__init__()
        self.pooling = pooling

    def forward(self, features: Tensor) -> Tensor:
        """Pool (batch, channels, height, width)."""
        return _ReluPooling.apply(features, self.pooling)


class ReluAverageTo2x2(nn.Module):
    """ReLU, then `AverageTo2x2`."""

    def forward(self, features: Tensor) -> Tensor:
        """Average (batch, channels, width, width) to (batch, channels, 2, 2)."""
        return _ReluAverageTo2x2.apply(features)


class Stem(nn.Module):
    """The first convolution with ReLU and pooling; its features are never in memory."""

    def __init__(self, layer: nn.Conv2d, pooling: Pooling, precision: torch.dtype) -> None:
        super().__init__()
        self.weight = layer.weight
        self.padding = int(layer.padding[0])
        self.pooling, self.precision = pooling, precision

    @staticmethod
    def fits(layer: nn.Conv2d) -> bool:
        """Whether the kernel can compute the convolution."""
        plain = layer.stride == layer.dilation == (1, 1) and layer.bias is None
        return plain and layer.in_channels == 1 and layer.kernel_size == (3, 3)

    def forward(self, images: Tensor) -> Tensor:
        """Features of images (batch, 1, height, width)."""
        pixels = pad(images.to(self.precision).float(), [self.padding] * 4)
        return _Stem.apply(pixels, self.weight, self.pooling, self.precision)


class Bfloat16Convolution(nn.Module):
    """A convolution in bfloat16 with a weight gradient of our own, up to twice as fast."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.weight = layer.weight
        self.geometry = layer.stride[0], int(layer.padding[0]), layer.dilation[0]

    @staticmethod
    def fits(layer: nn.Conv2d) -> bool:
        """Whether processor and channels suit the kernel. With AMX, PyTorch's is faster."""
        features = torch.cpu.get_capabilities()
        able = features.get("avx512_bf16", False) and not features.get("amx_bf16", False)
        wide = layer.in_channels % LANES == 0 and layer.out_channels % OUTPUTS == 0
        plain = type(layer) in (nn.Conv2d, PaddedConvolution) and layer.groups == 1
        return able and wide and plain and layer.bias is None

    def forward(self, features: Tensor) -> Tensor:
        """Convolve (batch, channels, height, width)."""
        return _Convolution.apply(features.to(torch.bfloat16), self.weight, self.geometry)


class _Relu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        flat = _numbers(features)
        compiled.relu(flat, flat)
        ctx.mark_dirty(features)
        ctx.save_for_backward(features)
        return features

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (relued,) = ctx.saved_tensors
        last = relued.is_contiguous(memory_format=torch.channels_last)
        gradient = gradient.contiguous(
            memory_format=torch.channels_last if last else torch.contiguous_format
        )
        flat = _numbers(gradient)
        compiled.relu_backward(flat, _numbers(relued), flat)
        return gradient


class _ReluPooling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, pooling: Pooling) -> Tensor:
        inputs = _channels_last(features)
        ctx.pooling, ctx.shape = pooling, inputs.shape
        flat = _numbers(inputs)
        return _pool(ctx, flat, flat, inputs.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (notes,) = ctx.saved_tensors
        given = _channels_last(gradient)
        _, height, width, _, rows, columns, stride, padding = ctx.geometry
        ends = rows * stride - padding, columns * stride - padding
        covered = stride == ctx.pooling.window and ends[0] >= height and ends[1] >= width
        out = (given.new_empty if covered else given.new_zeros)(ctx.shape)
        flat = _numbers(given)
        ctx.backward_kernel(flat, _numbers(notes), flat, ctx.geometry, _numbers(out))
        return out.permute(0, 3, 1, 2), None


class _Stem(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pixels: Tensor, weight: Tensor, pooling: Pooling, precision: torch.dtype
    ) -> Tensor:
        batch, _, height, width = pixels.shape
        taps = weight.detach().to(precision).float().view(-1, TAPS).t().contiguous()
        ctx.pooling, ctx.shape = pooling, (batch, height - 2, width - 2, len(weight))
        ctx.pixels = _numbers(pixels)
        return _pool(ctx, ctx.pixels, _numbers(taps), precision)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None, None]:
        (notes,) = ctx.saved_tensors
        sums = torch.zeros(TAPS, ctx.shape[3])
        given = _numbers(_channels_last(gradient))
        ctx.backward_kernel(given, _numbers(notes), ctx.pixels, ctx.geometry, _numbers(sums))
        return None, sums.t().contiguous().view(-1, 1, 3, 3), None, None


def _pool(ctx: Any, source: np.ndarray, weights: np.ndarray, precision: torch.dtype) -> Tensor:
    """Outputs of the windows `ctx.pooling` in features of `ctx.shape`; notes are saved."""
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
    kernel(source, weights, ctx.geometry, _numbers(out), _numbers(notes))
    ctx.save_for_backward(notes)
    return out.permute(0, 3, 1, 2)


class _ReluAverageTo2x2(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        inputs = _channels_last(features)
        batch, width, _, channels = inputs.shape
        out = inputs.new_empty(batch, 2, 2, channels)
        compiled.average_to_2x2(_numbers(inputs), (batch, width, channels), _numbers(out))
        ctx.save_for_backward(inputs)
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (inputs,) = ctx.saved_tensors
        batch, width, _, channels = inputs.shape
        arrays = [_numbers(tensor) for tensor in (_channels_last(gradient), inputs)]
        out = torch.empty_like(inputs)
        compiled.average_to_2x2_backward(*arrays, (batch, width, channels), _numbers(out))
        return out.permute(0, 3, 1, 2)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, geometry: tuple[int, int, int]
    ) -> Tensor:
        weight = weight.to(torch.bfloat16)
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
        outputs, inputs = _channels_last(gradient), _channels_last(features)
        filters, channels, kernel, _ = weight.shape
        sums = torch.zeros(kernel, kernel, channels, filters)
        shapes = (*inputs.shape, *outputs.shape[1:])
        arrays = [_numbers(tensor) for tensor in (outputs, inputs)]
        weight_gradient(*arrays, shapes, (kernel, *ctx.geometry), _numbers(sums))
        return before, sums.permute(3, 2, 0, 1), None


def _channels_last(features: Tensor) -> Tensor:
    """Contiguous (batch, height, width, channels); a view of features that are channels last."""
    return features.permute(0, 2, 3, 1).contiguous()


def _numbers(tensor: Tensor) -> np.ndarray:
    """The numbers of a dense tensor as they are in memory, bfloat16 as int16; a view."""
    if not tensor.is_contiguous():
        tensor = tensor.permute(0, 2, 3, 1)
    bits = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor
    return bits.detach().view(-1).numpy()
