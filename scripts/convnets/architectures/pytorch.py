"""PyTorch modules of the operations, only imported to build a network."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

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
