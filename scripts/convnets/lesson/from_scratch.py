"""A network of hand-written layers trains beside the same network in PyTorch.

Both begin with the same weights, see the same batches in the same order, and take the same
steps of Adam in float32: what differs is the rounding.
"""

from collections.abc import Callable
from typing import NamedTuple

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
from convnets.training import network as training_network
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


class Learner(NamedTuple):
    """A network with its optimiser. Images are (batch, channels, height, width), in 0..1."""

    step: Callable[[np.ndarray, np.ndarray], float]
    """Learns from a batch of images and labels; returns its mean loss before."""
    scores: Callable[[np.ndarray], np.ndarray]
    """Class scores (batch, classes)."""


def by_hand(variant: Variant, settings: TrainingSettings, weights: list[np.ndarray]) -> Learner:
    """The hand-written layers, in the arithmetic of `weights`."""
    network = build_network(variant, weights)
    adam = Adam(network.params, settings.learning_rate, settings.weight_decay)

    def step(images: np.ndarray, labels: np.ndarray) -> float:
        loss, grads = network.error_and_grads(images, labels)
        adam.step(grads)
        return loss

    return Learner(step, lambda images: network.fprop(images)[-1])


def in_pytorch(network: torch.nn.Module, settings: TrainingSettings) -> Learner:
    """PyTorch's layers, whose gradients autograd finds, in the arithmetic of `network`."""
    rate, decay = settings.learning_rate, settings.weight_decay
    adam = torch.optim.Adam(network.parameters(), rate, weight_decay=decay)

    def step(images: np.ndarray, labels: np.ndarray) -> float:
        adam.zero_grad()
        scores = network(torch.from_numpy(images))
        loss = cross_entropy(scores, torch.from_numpy(labels).long())
        loss.backward()
        adam.step()
        return loss.item()

    @torch.no_grad()
    def scores(images: np.ndarray) -> np.ndarray:
        return np.asarray(network(torch.from_numpy(images)))

    return Learner(step, scores)


def twins(
    variant: Variant, settings: TrainingSettings, seed: int, dtype: torch.dtype = torch.float32
) -> dict[str, Learner]:
    """Both learners, with the weights that `seed` gives every run of `variant`."""
    if settings.optimizer != "adam":
        raise UserError(
            f"training.optimizer is {settings.optimizer}, but by hand there is Adam only; set it "
            "to adam"
        )
    network = training_network.build_network(variant, seed).to(dtype)
    weights = [weight.detach().numpy() for weight in network.parameters()]
    return {
        "by_hand": by_hand(variant, settings, weights),
        "pytorch": in_pytorch(network, settings),
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
