"""Measure the gradient of a feature in the middle on test images, for each convolutional variant.

Writes an npz file: `variants` (names), `gradients` (variants, height, width), number of `images`.
"""

import itertools

import numpy as np
import torch
from torch import Tensor, nn

from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.core.files import atomic_write
from convnets.data.dataset import load_dataset
from convnets.runs.run_folder import RunFolder
from convnets.training.checkpoints import load_checkpoint
from convnets.training.network import AverageTo2x2, build_network

BATCH = 100
IMAGES = 500
"""Test images to average over, the first of the split."""


def main() -> None:
    arguments = option_parser(__doc__, "data", "runs", output="the npz file to write").parse_args()
    dataset = load_dataset(arguments.data)
    images = torch.from_numpy(dataset.images[dataset.split["test"][:IMAGES]])
    runs = sorted(map(RunFolder, arguments.runs), key=lambda run: -run.record["seed"])
    convolutional = {run.variant.id: run for run in runs if run.variant.is_convolutional}
    gradients = np.array([measure(run, images) for run in convolutional.values()])
    with atomic_write(arguments.output) as file:
        np.savez(file, variants=list(convolutional), gradients=gradients, images=len(images))


def measure(run: RunFolder, images: Tensor) -> np.ndarray:
    """The mean gradient of the trained network of `run`."""
    print(f"{run.variant.id}, seed {run.record['seed']}", flush=True)
    network = build_network(run.variant, run.record["seed"])
    network.load_state_dict(load_checkpoint(run, "cpu"))
    feature, _ = run.variant.middle_feature
    return mean_gradient(features_of(network.requires_grad_(False)), images, feature)


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


if __name__ == "__main__":
    run_script(main)
