"""The peer: a plain PyTorch training loop, as tutorials and course frameworks write it.

It defines what a run means: the same first weights, batches, order and updates as the
project's Trainer, in float32, with nothing done for speed. Tests compare the Trainer with
it, the benchmark measures both.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from convnets.architectures import avg_pool, max_avg_pool, max_pool
from convnets.architectures.operations import Convolution, Linear, Operation, Pooling
from convnets.architectures.variant import HEAD_SIZE, Variant
from convnets.config.settings import TrainingSettings
from convnets.training.network import build_network
from convnets.training.trainer import shuffled

OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


class MaxPlusAverage(nn.Module):
    """Max pooling plus average pooling (paper, Section 3)."""

    def __init__(self, window: int, stride: int, padding: int) -> None:
        super().__init__()
        self.maximum = nn.MaxPool2d(window, stride, padding)
        self.average = nn.AvgPool2d(window, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        """Pool (batch, channels, height, width)."""
        return self.maximum(x) + self.average(x)


def layer(operation: Operation) -> nn.Module:
    """The PyTorch layer of an operation."""
    if isinstance(operation, Linear):
        return nn.Linear(*operation.features, bias=operation.bias)
    if isinstance(operation, Convolution):
        return nn.Conv2d(
            *operation.channels,
            kernel_size=operation.kernel_size,
            stride=operation.stride,
            padding=operation.padding,
            dilation=operation.dilation,
            bias=operation.bias,
        )
    assert isinstance(operation, Pooling)
    poolings = {
        max_pool.pool: nn.MaxPool2d,
        avg_pool.pool: nn.AvgPool2d,
        max_avg_pool.pool: MaxPlusAverage,
    }
    return poolings[operation.pool](operation.window, operation.stride, operation.padding)


def plain_network(variant: Variant, seed: int) -> nn.Sequential:
    """`variant` layer by layer, ReLU before pooling, with the first weights of the project's."""
    layers: list[nn.Module] = [] if variant.is_convolutional else [nn.Flatten()]
    for operation in variant.operations[:-1]:
        layers.append(layer(operation))
        if operation.relu:
            layers.append(nn.ReLU())
    if variant.is_convolutional:
        if variant.head == "averaged" and variant.sizes[-1] != HEAD_SIZE:
            layers.append(nn.AdaptiveAvgPool2d(HEAD_SIZE))
        layers.append(nn.Flatten())
    layers.append(layer(variant.operations[-1]))
    network = nn.Sequential(*layers)
    with torch.no_grad():
        first = build_network(variant, seed).parameters()
        for ours, theirs in zip(network.parameters(), first, strict=True):
            ours.copy_(theirs)
    return network


class Reference:
    """A network and its optimiser, trained batch by batch from NumPy arrays."""

    def __init__(
        self, variant: Variant, settings: TrainingSettings, seed: int, device: str = "cpu"
    ) -> None:
        self.settings, self.seed, self.device = settings, seed, device
        self.network = plain_network(variant, seed).to(device)
        self.optimizer = OPTIMIZERS[settings.optimizer](
            self.network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    def step(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        """Train on float32 images (batch, 1, 28, 28) in 0..1; mean loss and accuracy of them."""
        self.network.train()
        x = torch.from_numpy(images).to(self.device)
        y = torch.from_numpy(labels).long().to(self.device)
        out = self.network(x)
        loss = cross_entropy(out, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item(), (out.argmax(dim=1) == y).float().mean().item()

    def train_epoch(
        self, images: np.ndarray, labels: np.ndarray, epoch: int
    ) -> list[tuple[float, float]]:
        """Train once on all `scaled` images; loss and accuracy of each step."""
        order = shuffled(len(labels), self.seed, epoch).numpy()
        size = self.settings.batch_size
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        return [self.step(images[batch], labels[batch]) for batch in batches]

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Share of the `scaled` images that the network classifies correctly."""
        self.network.eval()
        correct, size = 0.0, self.settings.batch_size
        with torch.no_grad():
            for start in range(0, len(labels), size):
                x = torch.from_numpy(images[start : start + size]).to(self.device)
                y = torch.from_numpy(labels[start : start + size]).long().to(self.device)
                correct += (self.network(x).argmax(dim=1) == y).sum().item()
        return correct / len(labels)


def scaled(images: np.ndarray) -> np.ndarray:
    """uint8 images (number, 28, 28) as float32 (number, 1, 28, 28) in 0..1."""
    return images[:, np.newaxis].astype(np.float32) / np.float32(255)
