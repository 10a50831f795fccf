"""The PyTorch module of a variant, built operation by operation from its description."""

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, pad

from convnets.architectures.operations import Convolution, Linear, Operation, Pooling, PoolingMethod
from convnets.architectures.variant import HEAD_SIZE, Variant


class PaddedConvolution(nn.Conv2d):
    """A convolution that pads its features itself.

    For kernels some of whose weights meet nothing but padding: in bfloat16 on a processor, oneDNN
    leaves the gradient of such weights uninitialised, so that no two runs are the same.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Convolve (batch, channels, height, width)."""
        rows, columns = map(int, self.padding)
        padded = pad(features, (columns, columns, rows, rows))
        return conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation)


class MaxAveragePooling(nn.Module):
    """The sum of max and average pooling, the layer that the paper introduces (Section 3)."""

    def __init__(self, window: int, stride: int | None = None, padding: int = 0) -> None:
        super().__init__()
        self.maximum = nn.MaxPool2d(window, stride, padding)
        self.average = nn.AvgPool2d(window, stride, padding)

    def forward(self, features: Tensor) -> Tensor:
        """Pool (batch, channels, height, width)."""
        return self.maximum(features) + self.average(features)


class MixedPooling(MaxAveragePooling):
    """Max and average pooling, mixed in a proportion that the layer learns.

    The share of the maximum is a sigmoid, so that it stays between 0 and 1; it begins at one half.
    """

    def __init__(self, window: int, stride: int | None = None, padding: int = 0) -> None:
        super().__init__(window, stride, padding)
        self.mixture = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        """Pool (batch, channels, height, width)."""
        share = torch.sigmoid(self.mixture)
        return share * self.maximum(features) + (1 - share) * self.average(features)


class AverageTo2x2(nn.Module):
    """Average features to 2 x 2, as adaptive average pooling does.

    Written with fixed windows because the backward pass of PyTorch's adaptive pooling is not
    deterministic on CUDA. The windows share the middle of an odd width; a single feature is
    repeated.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Average (batch, channels, width, width) to (batch, channels, 2, 2)."""
        width = features.shape[-1]
        if width == 1:
            return features.expand(-1, -1, 2, 2)
        return avg_pool2d(features, kernel_size=(width + 1) // 2, stride=width // 2)


POOLINGS: dict[PoolingMethod, Callable[[int, int, int], nn.Module]] = {
    "max_pool": nn.MaxPool2d,
    "avg_pool": nn.AvgPool2d,
    "max_avg_pool": MaxAveragePooling,
    "mix_pool": MixedPooling,
}


def build_network(variant: Variant, seed: int) -> nn.Sequential:
    """The network of `variant`: images (batch, channels, height, width) to class scores.

    Weights are drawn as PyTorch draws them by default, from a generator of their own.
    """
    modules: list[nn.Module] = []
    if not variant.is_convolutional:
        modules.append(nn.Flatten())
    *hidden, last = variant.operations
    for operation in hidden:
        modules.append(_module(operation))
        if not isinstance(operation, Pooling):
            modules.append(nn.ReLU(inplace=True))
    _pool_before_relu(modules)
    if variant.is_convolutional:
        if variant.head == "averaged" and variant.sizes[-1] != HEAD_SIZE:
            modules.append(AverageTo2x2())
        modules.append(nn.Flatten())
    modules.append(_module(last))
    network = nn.Sequential(*modules)
    _initialise(network, torch.Generator().manual_seed(seed))
    return network


def _pool_before_relu(modules: list[nn.Module]) -> None:
    """Let ReLU follow max pooling: the same outputs and gradients from a quarter of the work.

    The maximum of a window of clamped values is the clamped maximum of the window.
    """
    for index, (first, second) in enumerate(itertools.pairwise(modules)):
        if isinstance(first, nn.ReLU) and isinstance(second, nn.MaxPool2d):
            modules[index : index + 2] = second, first


def _module(operation: Operation) -> nn.Module:
    if isinstance(operation, Linear):
        return nn.Linear(*operation.features, bias=operation.bias)
    if isinstance(operation, Convolution):
        kind = PaddedConvolution if _idle_weights(operation) else nn.Conv2d
        return kind(
            *operation.channels,
            operation.kernel_size,
            operation.stride,
            operation.padding,
            operation.dilation,
            bias=operation.bias,
        )
    return POOLINGS[operation.kind](operation.window, operation.stride, operation.padding)


def _idle_weights(operation: Convolution) -> bool:
    """Whether some weights of the kernel meet nothing but padding, wherever it stands."""
    starts = range(0, operation.stride * operation.size[1], operation.stride)
    offsets = range(-operation.padding, operation.window - operation.padding, operation.dilation)
    return any(
        not any(0 <= start + offset < operation.size[0] for start in starts) for offset in offsets
    )


def _initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights and biases: uniform within 1 / sqrt(fan in), PyTorch's default."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
            if module.bias is not None:
                bound = 1 / math.sqrt(module.weight[0].numel())
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)


def class_scores(network: nn.Module, images: Tensor) -> Tensor:
    """Scores (batch, classes), float32, of uint8 `images` scaled to 0..1.

    Images are (batch, height, width), or (batch, channels, height, width) in colour.
    """
    inputs = images.unsqueeze(1) if images.dim() == 3 else images
    return network(inputs.to(torch.float32).div_(255)).float()
