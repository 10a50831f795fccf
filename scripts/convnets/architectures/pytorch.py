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


class AverageOfTiles(torch.autograd.Function):
    """Average pooling for GPUs, of windows that cover all features and do not overlap.

    PyTorch's gradient, the slowest part of a step there, searches the windows of each feature. Here
    each feature copies the gradient of its only window. Results are the same bits.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, window: int, padding: int) -> Tensor:
        """Average (batch, channels, width, width)."""
        ctx.shape, ctx.window, ctx.padding = features.shape, window, padding
        return avg_pool2d(features, window, window, padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """The gradient of the features, (batch, channels, width, width), channels last."""
        number, channels, width, _ = ctx.shape
        pixels = (gradient / ctx.window**2).permute(0, 2, 3, 1).reshape(-1, channels)
        tiles = tile_of_pixel(*gradient.shape[::2], width, ctx.window, ctx.padding, gradient.device)
        spread = pixels[tiles].view(number, width, width, channels)
        return spread.permute(0, 3, 1, 2), None, None


@functools.cache
def tile_of_pixel(
    number: int, outputs: int, width: int, window: int, padding: int, device: torch.device
) -> Tensor:
    """The index of each pixel's window among `number` x `outputs` x `outputs` of them."""
    place = torch.div(torch.arange(width, device=device) + padding, window, rounding_mode="floor")
    images = torch.arange(number, device=device)[:, None, None] * outputs
    return ((images + place[:, None]) * outputs + place).flatten()
