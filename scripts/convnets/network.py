"""The PyTorch module of a variant, built operation by operation from its description."""

import math

import torch
from torch import Tensor, nn

from convnets.variant import HEAD_SIZE, Convolution, Linear, Operation, Pooling, Variant


class MaxAveragePooling(nn.Module):
    """The sum of max and average pooling, the layer that the paper introduces (Section 3)."""

    def __init__(self, window: int, padding: int) -> None:
        super().__init__()
        self.maximum = nn.MaxPool2d(window, window, padding)
        self.average = nn.AvgPool2d(window, window, padding)

    def forward(self, features: Tensor) -> Tensor:
        """Pool (batch, channels, height, width)."""
        return self.maximum(features) + self.average(features)


class AverageTo(nn.Module):
    """Average features to `size` x `size`, as adaptive average pooling does.

    Written with fixed windows because the backward pass of PyTorch's adaptive pooling is not
    deterministic on CUDA. Features narrower than `size` are repeated.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, features: Tensor) -> Tensor:
        """Average (batch, channels, height, height) to (batch, channels, size, size)."""
        width = features.shape[-1]
        starts = [index * width // self.size for index in range(self.size)]
        ends = [-(-(index + 1) * width // self.size) for index in range(self.size)]
        windows = list(zip(starts, ends, strict=True))
        means = [
            features[:, :, top:bottom, left:right].mean(dim=(2, 3))
            for top, bottom in windows
            for left, right in windows
        ]
        return torch.stack(means, dim=2).unflatten(2, (self.size, self.size))


def build_network(variant: Variant, seed: int) -> nn.Sequential:
    """The network of `variant`: (batch, 1, 28, 28) images to (batch, 47) class scores.

    Weights are drawn as PyTorch draws them by default, from a generator of their own.
    """
    modules: list[nn.Module] = []
    if not variant.is_convolutional:
        modules.append(nn.Flatten())
    *hidden, last = variant.operations
    for operation in hidden:
        modules.append(_module(operation))
        if not isinstance(operation, Pooling):
            modules.append(nn.ReLU())
    if variant.is_convolutional:
        if variant.head == "averaged" and variant.sizes[-1] != HEAD_SIZE:
            modules.append(AverageTo(HEAD_SIZE))
        modules.append(nn.Flatten())
    modules.append(_module(last))
    network = nn.Sequential(*modules)
    _initialise(network, torch.Generator().manual_seed(seed))
    return network


def _module(operation: Operation) -> nn.Module:
    if isinstance(operation, Linear):
        return nn.Linear(*operation.features, bias=operation.bias)
    if isinstance(operation, Convolution):
        return nn.Conv2d(
            *operation.channels,
            operation.kernel_size,
            operation.stride,
            operation.padding,
            operation.dilation,
            bias=operation.bias,
        )
    poolings = {"max_pool": nn.MaxPool2d, "avg_pool": nn.AvgPool2d}
    if operation.kind in poolings:
        return poolings[operation.kind](operation.window, operation.stride, operation.padding)
    return MaxAveragePooling(operation.window, operation.padding)


def _initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights and biases: uniform within 1 / sqrt(fan in), PyTorch's default."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
            if module.bias is not None:
                bound = 1 / math.sqrt(module.weight[0].numel())
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)


def class_scores(network: nn.Module, images: Tensor) -> Tensor:
    """Scores (batch, 47), float32, of uint8 `images` (batch, 28, 28) scaled to 0..1."""
    scaled = images.unsqueeze(1).to(torch.float32).div_(255)
    return network(scaled.contiguous(memory_format=torch.channels_last)).float()
