"""The compiled kernels as PyTorch modules, and networks rebuilt with them.

Features are (batch, channels, height, width), bfloat16 or float32, channels last for pooling. ReLU
overwrites features and gradients: in a chain of modules nothing else needs them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convnets.kernels import compiled
from convnets.kernels.lanes import LANES
from convnets.network import AverageTo2x2, MaxAveragePooling

LARGEST_WINDOW = 3
"""Widest pooling window whose notes fit in 16 bits."""
POOLINGS: dict[type[nn.Module], tuple[bool, bool]] = {
    nn.MaxPool2d: (True, False),
    nn.AvgPool2d: (False, True),
    MaxAveragePooling: (True, True),
}
"""Whether a pooling layer takes the maximum, and whether it takes the average."""


def fuse(network: nn.Sequential) -> None:
    """Let compiled kernels compute ReLU, pooling and the averaged head of `network`.

    Modules keep their places, so parameters keep their names. PyTorch's operations stay where no
    kernel fits: windows that overlap or are wider than `LARGEST_WINDOW`, and numbers of channels
    that do not fill the processor's vectors.
    """
    channels = 1
    for index in range(len(network) - 1):
        first, second = network[index], network[index + 1]
        channels = getattr(first, "out_channels", channels)
        if channels % LANES:
            continue
        fused = _fused(first, second)
        if fused is not None:
            network[index], network[index + 1] = fused, nn.Identity()
        elif isinstance(first, nn.ReLU):
            network[index] = Relu()


def _fused(first: nn.Module, second: nn.Module) -> nn.Module | None:
    """One module for two neighbours of which one is ReLU, if there is a kernel for both."""
    if isinstance(second, nn.ReLU) and isinstance(first, nn.MaxPool2d):
        first, second = second, first  # the maximum and ReLU commute
    if not isinstance(first, nn.ReLU):
        return None
    if isinstance(second, AverageTo2x2):
        return ReluAverageTo2x2()
    if type(second) not in POOLINGS:
        return None
    layer: Any = second.maximum if isinstance(second, MaxAveragePooling) else second
    window, stride, padding = layer.kernel_size, layer.stride, layer.padding
    if window > LARGEST_WINDOW or stride < window:
        return None
    return ReluPooling(*POOLINGS[type(second)], window, stride, padding)


class Relu(nn.Module):
    """ReLU in place."""

    def forward(self, features: Tensor) -> Tensor:
        """Clamp features of any shape and layout."""
        return _Relu.apply(features)


class ReluPooling(nn.Module):
    """ReLU, then max pooling, average pooling, or the sum of both."""

    def __init__(
        self, maximum: bool, average: bool, window: int, stride: int, padding: int
    ) -> None:
        super().__init__()
        self.kernels = compiled.pooling(maximum, average, window)
        self.window, self.stride, self.padding = window, stride, padding

    def forward(self, features: Tensor) -> Tensor:
        """Pool (batch, channels, height, width)."""
        return _ReluPooling.apply(features, self)


class ReluAverageTo2x2(nn.Module):
    """ReLU, then `AverageTo2x2`."""

    def forward(self, features: Tensor) -> Tensor:
        """Average (batch, channels, width, width) to (batch, channels, 2, 2)."""
        return _ReluAverageTo2x2.apply(features)


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
    def forward(ctx: Any, features: Tensor, layer: ReluPooling) -> Tensor:
        inputs = _channels_last(features)
        batch, height, width, channels = inputs.shape
        rows, columns = (
            (size + 2 * layer.padding - layer.window) // layer.stride + 1
            for size in (height, width)
        )
        out = inputs.new_empty(batch, rows, columns, channels)
        notes = torch.empty(out.shape, dtype=torch.uint16)
        ctx.geometry = (*inputs.shape, rows, columns, layer.stride, layer.padding)
        forward, ctx.kernel = layer.kernels
        forward(_numbers(inputs), ctx.geometry, _numbers(out), _numbers(notes))
        # Where windows leave gaps or do not reach the edge, some features have no gradient.
        reach = min(rows, columns) * layer.window - layer.padding
        ctx.covered = layer.stride == layer.window and reach >= max(height, width)
        ctx.save_for_backward(notes)
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (notes,) = ctx.saved_tensors
        given = _channels_last(gradient)
        create: Callable[..., Tensor] = given.new_empty if ctx.covered else given.new_zeros
        out = create(ctx.geometry[:4])
        ctx.kernel(_numbers(given), _numbers(notes), ctx.geometry, _numbers(out))
        return out.permute(0, 3, 1, 2), None


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


def _channels_last(features: Tensor) -> Tensor:
    """Contiguous (batch, height, width, channels); a view of features that are channels last."""
    return features.permute(0, 2, 3, 1).contiguous()


def _numbers(tensor: Tensor) -> np.ndarray:
    """The numbers of a dense tensor as they are in memory, bfloat16 as int16; a view."""
    if tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
        tensor = tensor.permute(0, 2, 3, 1)
    bits = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor
    return bits.detach().view(-1).numpy()
