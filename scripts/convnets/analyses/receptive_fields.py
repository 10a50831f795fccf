"""Effective receptive fields: which pixels a feature before the head depends on, and how much.

After Luo, Li, Urtasun and Zemel, Understanding the effective receptive field in deep
convolutional neural networks (NIPS 2016).
"""

import itertools

import numpy as np
import torch
from torch import Tensor, nn

from convnets.training.network import AverageTo2x2

BATCH = 100


def features_of(network: nn.Sequential) -> nn.Sequential:
    """The layers of `network` before its head."""
    head = (AverageTo2x2, nn.Flatten)
    return nn.Sequential(*itertools.takewhile(lambda layer: not isinstance(layer, head), network))


def mean_gradient(layers: nn.Module, images: Tensor, feature: int) -> np.ndarray:
    """The mean absolute gradient (height, width), over `images`, of a feature.

    The feature is the sum over channels of what `layers` give at row and column `feature`. `images`
    are uint8 (images, height, width), or (images, channels, height, width) in colour, whose
    gradients are added up. The networks see them scaled to 0..1.
    """
    total = torch.zeros(images.shape[-2:], dtype=torch.float64)
    for batch in images.split(BATCH):
        inputs = batch.unsqueeze(1) if batch.dim() == 3 else batch
        inputs = inputs.float().div_(255).requires_grad_()
        outputs = layers(inputs)[:, :, feature, feature].sum()
        (gradient,) = torch.autograd.grad(outputs, inputs)
        total += gradient.abs().double().sum(dim=(0, 1))
    return (total / len(images)).numpy()
