"""The PyTorch module of a variant, built operation by operation from its description."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from convnets.architectures.operations import Pooling
from convnets.architectures.variant import HEAD_SIZE, Variant
from convnets.training.hardware import Plan


class AverageTo2x2(nn.Module):
    """Average features to 2 x 2, as adaptive pooling does, but deterministically on CUDA, too.

    The windows share the middle of an odd width; a single feature is repeated.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Average (batch, channels, width, width) to (batch, channels, 2, 2)."""
        width = features.shape[-1]
        if width == 1:
            return features.expand(-1, -1, 2, 2)
        return avg_pool2d(features, kernel_size=(width + 1) // 2, stride=width // 2)


def build_network(variant: Variant, seed: int) -> nn.Sequential:
    """The network of `variant`, from images (batch, channels, height, width) to class scores.

    Weights have PyTorch's default distribution. Those of convolutions and linear layers come from a
    generator of their own, those of other modules from PyTorch's. Both are seeded.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(*_modules(variant))
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):  # uniform within 1 / sqrt(fan in)
            nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
            if module.bias is not None:
                bound = 1 / math.sqrt(module.weight[0].numel())
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
    return network


def place(network: nn.Sequential, plan: Plan) -> nn.Sequential:
    """Give `network` the plan's device, memory layout and kernels; parameters keep their names."""
    network.to(plan.device)
    if plan.channels_last:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if plan.device == "cuda":
            network.register_forward_pre_hook(with_channels_last)
    if plan.kernels == "fused":
        from convnets.training.kernels.modules import fuse  # noqa: PLC0415, compiling takes its time

        fuse(network, torch.bfloat16 if plan.precision == "bfloat16" else torch.float32)
    return network


def with_channels_last(network: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """Images with the strides of channels last, which one channel does not show by itself.

    Without them PyTorch copies the features of the first layer, and their gradient, in each step.
    """
    (images,) = inputs
    if images.shape[1] > 1:
        return images
    return images.squeeze(1).unsqueeze(-1).permute(0, 3, 1, 2)


def _modules(variant: Variant) -> list[nn.Module]:
    modules: list[nn.Module] = []
    if not variant.is_convolutional:
        modules.append(nn.Flatten())
    *hidden, last = variant.operations
    for operation in hidden:
        if isinstance(operation, Pooling) and operation.relu_can_follow:
            modules.insert(-1, operation.module())
        else:
            modules.append(operation.module())
        if operation.relu:
            modules.append(nn.ReLU(inplace=True))
    if variant.is_convolutional:
        if variant.head == "averaged" and variant.sizes[-1] != HEAD_SIZE:
            modules.append(AverageTo2x2())
        modules.append(nn.Flatten())
    return [*modules, last.module()]


def class_scores(network: nn.Module, images: Tensor) -> Tensor:
    """Scores (batch, classes), float32, of uint8 `images` scaled to 0..1.

    Images are (batch, height, width), or (batch, channels, height, width) in colour.
    """
    inputs = images.unsqueeze(1) if images.dim() == 3 else images
    return network(inputs.to(torch.float32).div_(255)).float()
