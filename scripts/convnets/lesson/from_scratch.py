"""A network of hand-written layers trains beside the same network in PyTorch.

Both begin with the same weights, see the same batches in the same order, and take the same
steps of Adam in float32: what differs is the rounding.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.data.dataset import Dataset
from convnets.data.source import LabelledImages
from convnets.layers.learning import Adam
from convnets.layers.network import Network, build_network
from convnets.training.hardware import Plan
from convnets.training.trainer import EVALUATION_BATCH, Trainer, to_device

NETWORK = Variant("by_hand", "max_pool", 2, (8, 16), head="flattened", bias=True)
"""The network, for the images of EMNIST."""
PLAIN = Plan("cpu", "float32", channels_last=False, cuda_graph=False)
"""PyTorch's own kernels, without anything that is done for speed."""
COLUMNS = ("implementation", "epoch", "step", "measure", "value")
"""Columns of the table of both trainings (docs/results.md)."""


def train_twins(
    dataset: Dataset, batch_size: int, epochs: int
) -> Iterator[tuple[str, int, int, str, float]]:
    """Rows of `COLUMNS`: train both networks, in turn on each batch; test them after each epoch."""
    variant = dataclasses.replace(NETWORK, image_kind=dataset.image_kind)
    settings = TrainingSettings(batch_size=batch_size)
    train, test = dataset.part("train"), dataset.part("test")
    trainer = Trainer(variant, settings, 0, PLAIN, to_device(dataset, "train", "cpu"))
    weights = [weight.detach().numpy() for weight in trainer.network.parameters()]
    network = build_network(variant, weights)
    adam = Adam(network.params, settings.learning_rate, settings.weight_decay)
    step = 0
    for epoch in range(1, epochs + 1):
        trainer.begin_epoch(epoch)
        for index, batch in enumerate(trainer.batches):
            step += 1
            loss, grads = network.error_and_grads(scaled(train.images[batch]), train.labels[batch])
            adam.step(grads)
            trainer.train_step(index)
            yield "by_hand", epoch, step, "train_loss", loss
            yield "pytorch", epoch, step, "train_loss", trainer.losses[index].item()
        _, of_pytorch = trainer.validate(to_device(dataset, "test", "cpu"))
        for name, accuracy in (("by_hand", _accuracy(network, test)), ("pytorch", of_pytorch)):
            yield name, epoch, step, "test_accuracy", accuracy
            print(f"epoch {epoch}/{epochs}  {name}: test accuracy {accuracy:.4f}", flush=True)


def scaled(images: np.ndarray) -> np.ndarray:
    """uint8 images, grey or in colour, as float32 (number, channels, height, width) in 0..1."""
    channels_first = images.reshape(len(images), -1, *images.shape[-2:])
    return channels_first.astype(np.float32) / np.float32(255)


def _accuracy(network: Network, part: LabelledImages) -> float:
    """Share of the images that are classified correctly."""
    starts = range(0, len(part.labels), EVALUATION_BATCH)
    batches = (scaled(part.images[start : start + EVALUATION_BATCH]) for start in starts)
    predictions = [network.fprop(batch)[-1].argmax(axis=1) for batch in batches]
    return float((np.concatenate(predictions) == part.labels).mean())
