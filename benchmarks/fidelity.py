"""Whether the fast plan learns as well as the plain loop: the same seeds, images and batches.

    python -m benchmarks.fidelity --data results/reference/data --epochs 3 --seeds 3

Trains each family with the plain float32 loop (`benchmarks.reference`) and with the project's
Trainer, seed by seed, and appends a row a pair to the csv; pairs that are in it already are not
trained again. The report shows the differences with their intervals.
"""

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.reference import Reference, scaled
from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core import records
from convnets.core.errors import UserError, run_script
from convnets.core.files import write_text
from convnets.data.dataset import Dataset, load_dataset
from convnets.training import hardware
from convnets.training.trainer import Trainer

FAMILIES = (
    Variant(id="max_pool_2", method="max_pool"),
    Variant(id="avg_pool_2", method="avg_pool"),
    Variant(id="stride_2", method="stride"),
    Variant(id="no_pooling", method="no_pooling"),
    Variant(id="dilation_plus2", method="dilation"),
)
PAIR = ["variant", "seed", "epochs", "data", "train_images", "precision", "kernels"]
"""Columns that tell one pair of runs from another."""


def main() -> None:
    arguments = parse_arguments()
    dataset = load_dataset(arguments.data)
    settings = TrainingSettings(precision=arguments.precision, threads=arguments.threads)
    plan = hardware.choose_plan(settings, FAMILIES[0])
    about = {
        "epochs": arguments.epochs,
        "data": dataset.provenance["display_name"],
        "train_images": len(dataset.split["train"]),
        "test_images": len(dataset.split["test"]),
        "precision": plan.precision,
        "kernels": plan.kernels,
        "device_name": hardware.describe(plan.device),
        "torch": records.software()["torch"],
        "git_commit": records.git_commit(),
    }
    done = pd.read_csv(arguments.output) if arguments.output.exists() else pd.DataFrame()
    for seed, variant in itertools.product(range(arguments.seeds), FAMILIES):
        pair: dict[str, Any] = {"variant": variant.id, "seed": seed, **about}
        if _is_in(done, pair):
            continue
        reference = Reference(variant, settings, seed, plan.device)
        plain = reference_accuracy(reference, arguments.epochs, dataset)
        fast = trainer_accuracy(variant, settings, seed, arguments.epochs, dataset)
        row = pair | {"reference_accuracy": plain, "plan_accuracy": fast, "date": records.now()}
        done = pd.concat([done, pd.DataFrame([row])], ignore_index=True)
        write_text(arguments.output, done.to_csv(index=False))
        print(f"{variant.id}, seed {seed}: plain {plain:.4f}, plan {fast:.4f}", flush=True)


def reference_accuracy(reference: Reference, epochs: int, dataset: Dataset) -> float:
    """Test accuracy of the plain loop after `epochs` epochs."""
    torch.set_deterministic_debug_mode("default")  # the plan's would refuse plain layers on a GPU
    images, labels = dataset.part("train")
    for epoch in range(1, epochs + 1):
        reference.train_epoch(scaled(images), labels, epoch)
    test_images, test_labels = dataset.part("test")
    return reference.accuracy(scaled(test_images), test_labels)


def trainer_accuracy(
    variant: Variant, settings: TrainingSettings, seed: int, epochs: int, dataset: Dataset
) -> float:
    """Test accuracy of the project's Trainer after `epochs` epochs."""
    plan = hardware.choose_plan(settings, variant)
    hardware.prepare(plan, settings.threads)
    train, test = (_on(plan.device, *dataset.part(part)) for part in ("train", "test"))
    trainer = Trainer(variant, settings, seed, plan, train)
    for epoch in range(1, epochs + 1):
        trainer.begin_epoch(epoch)
        for step in range(len(trainer.batches)):
            trainer.train_step(step)
    return trainer.validate(test)[1]


def _on(device: str, images: np.ndarray, labels: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(images).to(device), torch.from_numpy(labels).long().to(device)


def _is_in(done: pd.DataFrame, pair: dict[str, Any]) -> bool:
    return not done.empty and bool((done[PAIR] == [pair[key] for key in PAIR]).all(axis=1).any())


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that prepare_data wrote")
    parser.add_argument("--epochs", type=int, default=5, help="epochs of each run (default: 5)")
    parser.add_argument("--seeds", type=int, default=4, help="pairs a family (default: 4)")
    parser.add_argument(
        "--precision",
        choices=["auto", "bfloat16", "float32"],
        default="auto",
        help="arithmetic of the plan (default: auto)",
    )
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default: 1)")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("benchmarks/results/fidelity.csv"),
        help="csv to add to (default: benchmarks/results/fidelity.csv)",
    )
    arguments = parser.parse_args()
    if min(arguments.epochs, arguments.seeds) < 1:
        raise UserError("--epochs and --seeds must be 1 or more")
    return arguments


if __name__ == "__main__":
    run_script(main)
