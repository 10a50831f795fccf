"""A network of hand-written layers trains beside the same network in PyTorch.

Both begin with the same weights, see the same batches in the same order, and take the same
steps of Adam in float32: what differs is the rounding.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core.errors import UserError
from convnets.data.dataset import Dataset
from convnets.data.source import LabelledImages
from convnets.layers.adam import Adam
from convnets.layers.network import build_network
from convnets.training import network
from convnets.training.trainer import shuffled

EVALUATION_BATCH = 500
"""Images that are classified at once outside training."""


class Record(NamedTuple):
    """One number of a training."""

    implementation: str
    """`by_hand` or `pytorch`."""
    epoch: int
    step: int
    """Steps done, in all epochs together."""
    measure: str
    """`train_loss`, of the batch of this step, or `test_accuracy`, after the epoch."""
    value: float


class Learner(Protocol):
    """A network and its optimiser. Images are (batch, channels, height, width), in 0..1."""

    def step(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Learn from a batch; its mean loss before."""

    def scores(self, images: np.ndarray) -> np.ndarray:
        """Class scores (batch, classes)."""


class LearnerByHand:
    """Of the hand-written layers, in the arithmetic of `weights`."""

    def __init__(
        self, variant: Variant, settings: TrainingSettings, weights: list[np.ndarray]
    ) -> None:
        self.network = build_network(variant, weights)
        self.adam = Adam(self.network.params, settings.learning_rate, settings.weight_decay)

    def step(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Forward, backward, and a step of Adam."""
        loss, grads = self.network.error_and_grads(images, labels)
        self.adam.step(grads)
        return loss

    def scores(self, images: np.ndarray) -> np.ndarray:
        """The outputs of the last layer."""
        return self.network.fprop(images)[-1]


class LearnerInPyTorch:
    """Of PyTorch's layers, whose gradients autograd finds, in the arithmetic of `network`."""

    def __init__(self, network: torch.nn.Module, settings: TrainingSettings) -> None:
        self.network = network
        self.adam = torch.optim.Adam(
            network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )

    def step(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Forward, backward, and a step of Adam."""
        self.adam.zero_grad()
        loss = cross_entropy(
            self.network(torch.from_numpy(images)), torch.from_numpy(labels).long()
        )
        loss.backward()
        self.adam.step()
        return loss.item()

    @torch.no_grad()
    def scores(self, images: np.ndarray) -> np.ndarray:
        """The outputs of the last module."""
        return self.network(torch.from_numpy(images)).numpy()


def twins(
    variant: Variant, settings: TrainingSettings, seed: int, dtype: torch.dtype = torch.float32
) -> dict[str, Learner]:
    """Both learners, with the weights that `seed` gives every run of `variant`."""
    if settings.optimizer != "adam":
        raise UserError(
            f"training.optimizer is {settings.optimizer}, but by hand there is Adam only; set it "
            "to adam"
        )
    in_pytorch = network.build_network(variant, seed).to(dtype)
    weights = [weight.detach().numpy() for weight in in_pytorch.parameters()]
    return {
        "by_hand": LearnerByHand(variant, settings, weights),
        "pytorch": LearnerInPyTorch(in_pytorch, settings),
    }


def train_twins(
    learners: dict[str, Learner],
    dataset: Dataset,
    settings: TrainingSettings,
    seed: int,
    epochs: int,
    log: Callable[[str], None],
) -> list[Record]:
    """Train all `learners`, in turn on each batch, and test them after each epoch."""
    train, test = dataset.part("train"), dataset.part("test")
    records: list[Record] = []
    step = 0
    for epoch in range(1, epochs + 1):
        order = shuffled(len(train.labels), seed, epoch)
        for batch in order.split(settings.batch_size):
            images, labels = scaled(train.images[batch]), train.labels[batch]
            step += 1
            for name, learner in learners.items():
                loss = learner.step(images, labels)
                records.append(Record(name, epoch, step, "train_loss", loss))
        for name, learner in learners.items():
            accuracy = _accuracy(learner, test)
            records.append(Record(name, epoch, step, "test_accuracy", accuracy))
            log(f"epoch {epoch}/{epochs}  {name}: test accuracy {accuracy:.4f}")
    return records


def scaled(images: np.ndarray) -> np.ndarray:
    """uint8 images as float32 (number, channels, height, width) in 0..1.

    Grey ones are (number, height, width).
    """
    channels_first = images[:, np.newaxis] if images.ndim == 3 else images
    return channels_first.astype(np.float32) / np.float32(255)


def _accuracy(learner: Learner, part: LabelledImages) -> float:
    """Share of the images that are classified correctly."""
    starts = range(0, len(part.labels), EVALUATION_BATCH)
    batches = (scaled(part.images[start : start + EVALUATION_BATCH]) for start in starts)
    predictions = np.concatenate([learner.scores(batch).argmax(axis=1) for batch in batches])
    return float((predictions == part.labels).mean())
