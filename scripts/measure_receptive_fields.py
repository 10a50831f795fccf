"""Measure the gradient of a feature in the middle on test images, for each convolutional variant.

Writes an npz file: `variants` (names), `gradients` (variants, height, width), number of `images`.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from convnets.analyses.field import middle_feature
from convnets.analyses.receptive_fields import features_of, mean_gradient
from convnets.analyses.runs import Run, load_runs
from convnets.core.errors import run_script
from convnets.core.files import atomic_write
from convnets.data.dataset import load_dataset
from convnets.runs.run_folder import RunFolder
from convnets.training.checkpoints import load_checkpoint
from convnets.training.network import build_network

IMAGES = 500
"""Test images to average over, the first of the split."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that prepare_data wrote")
    parser.add_argument(
        "--runs", type=Path, nargs="+", required=True, help="folders of trained runs"
    )
    parser.add_argument("--output", type=Path, required=True, help="the npz file to write")
    arguments = parser.parse_args()
    dataset = load_dataset(arguments.data)
    images = torch.from_numpy(dataset.images[dataset.split["test"][:IMAGES]])
    runs = load_runs(arguments.runs)
    convolutional = {
        id: seeds[0] for id, seeds in runs.items() if seeds[0].variant.is_convolutional
    }
    gradients = [measure(run, images) for run in convolutional.values()]
    with atomic_write(arguments.output) as file:
        np.savez(
            file, variants=list(convolutional), gradients=np.array(gradients), images=len(images)
        )


def measure(run: Run, images: torch.Tensor) -> np.ndarray:
    """The mean gradient of the trained network of `run`."""
    network = build_network(run.variant, run.seed)
    _, weights = load_checkpoint(RunFolder(run.folder), "cpu")
    network.load_state_dict(weights)
    network.requires_grad_(False)
    print(f"{run.variant.id}, seed {run.seed}", flush=True)
    return mean_gradient(features_of(network), images, middle_feature(run.variant).index)


if __name__ == "__main__":
    run_script(main)
