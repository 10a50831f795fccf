"""PyTorch modules of the operations, only imported to build a network."""

import functools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, pad

from convnets.architectures.operations import Pooling


class PaddedConvolution(nn.Conv2d):
    """A convolution that pads its features itself.

    For kernels with weights that only ever meet padding: in bfloat16 on a processor, oneDNN leaves
    their gradient uninitialised, so that results vary between runs.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Convolve (batch, channels, height, width)."""
        rows, columns = map(int, self.padding)
        padded = pad(features, (columns, columns, rows, rows))
        return conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation)


class PoolingLayer(nn.Module):
    """A pooling layer of any method."""

    def __init__(self, pooling: Pooling) -> None:
        super().__init__()
        self.pooling = pooling
        for name in pooling.learned:
            self.register_parameter(name, nn.Parameter(torch.zeros(())))

    def forward(self, features: Tensor) -> Tensor:
        """Pool (batch, channels, height, width)."""
        windows = self.pooling.window, self.pooling.stride, self.pooling.padding
        return self.pooling.pool(features, *windows, *self.parameters())


def average_on_gpu(features: Tensor, window: int, stride: int, padding: int) -> Tensor:
    """Average pooling of (batch, channels, width, width), with a gradient that is right on GPUs.

    For padded features in channels last, PyTorch's is that of other pixels: issue 188344 there,
    found in version 2.11.
    """
    if stride == window:
        return AverageOfTiles.apply(features, window, padding)
    return avg_pool2d(pad(features, 4 * [padding]), window, stride)


class AverageOfTiles(torch.autograd.Function):
    """Average pooling of windows that do not overlap.

    Each pixel copies the gradient of its only window, which is also faster than searching for it.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, window: int, padding: int) -> Tensor:
        """Average (batch, channels, width, width)."""
        ctx.shape, ctx.window, ctx.padding = features.shape, window, padding
        return avg_pool2d(features, window, window, padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """The gradient of the features, (batch, channels, width, width), channels last."""
        (number, channels, width, _), outputs = ctx.shape, gradient.shape[2]
        tiles = (gradient / ctx.window**2).permute(0, 2, 3, 1).reshape(-1, channels)
        windows = outputs, width, ctx.window, ctx.padding
        index = tile_of_pixel(number, *windows, gradient.device)
        pixels = pad(tiles, (0, 0, 0, 1))[index]
        return pixels.view(number, width, width, channels).permute(0, 3, 1, 2), None, None


@functools.cache
def tile_of_pixel(
    number: int, outputs: int, width: int, window: int, padding: int, device: torch.device
) -> Tensor:
    """The index of each pixel's window, (number x width x width,), the last index for none.

    `number` images have `outputs` x `outputs` windows each.
    """
    place = torch.div(torch.arange(width, device=device) + padding, window, rounding_mode="floor")
    images = torch.arange(number, device=device)[:, None, None] * outputs
    tiles = (images + place[:, None]) * outputs + place
    inside = (place < outputs) & (place < outputs)[:, None]
    return tiles.where(inside, number * outputs**2).flatten()
