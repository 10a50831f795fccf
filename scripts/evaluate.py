"""Test the best checkpoint of a run on every test image."""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from convnets import hardware
from convnets.data.dataset import load_dataset
from convnets.errors import run_script
from convnets.evaluation import score
from convnets.files import atomic_write, write_json
from convnets.gpu import place_on_gpu
from convnets.network import build_network
from convnets.settings import TrainingSettings, from_mapping
from convnets.training import go_on, place, predict
from convnets.variant import Variant


def main() -> None:
    arguments = parse_arguments()
    run = json.loads((arguments.run / "run.json").read_text())
    variant = from_mapping(Variant, run["variant"])
    settings = from_mapping(TrainingSettings, run["training"])
    plan = recorded_plan(run, settings)
    with place_on_gpu(plan.device, arguments.runs_per_gpu, go_on, print):
        evaluate(arguments, run, variant, settings, plan)


def evaluate(
    arguments: argparse.Namespace,
    run: dict[str, Any],
    variant: Variant,
    settings: TrainingSettings,
    plan: hardware.Plan,
) -> None:
    """Test the checkpoint in the folder `arguments.run`, and write the result there."""
    hardware.prepare(plan, settings.threads)
    dataset = load_dataset(arguments.data)
    images, labels = (torch.from_numpy(array) for array in dataset.part("test"))

    checkpoint = torch.load(arguments.run / "best.pt", map_location=plan.device, weights_only=True)
    network = place(build_network(variant, run["seed"]), plan)
    network.load_state_dict(checkpoint["network"])
    scores = predict(network, images.to(plan.device), plan)
    result = score(scores.cpu(), labels.long())

    with atomic_write(arguments.run / "predictions.npz") as file:
        np.savez_compressed(
            file,
            index=dataset.split["test"],
            label=result.label,
            prediction=result.prediction,
            confidence=result.confidence,
        )
    classes = dataset.provenance["classes"]
    report = {
        "variant": variant.id,
        "seed": run["seed"],
        "epoch": checkpoint["epoch"],
        "test_images": len(labels),
        "test_accuracy": result.accuracy,
        "test_loss": result.loss,
        "per_class_accuracy": dict(zip(classes, result.per_class_accuracy, strict=True)),
        "data": dataset.provenance["display_name"],
    }
    write_json(arguments.run / "test.json", report)
    print(
        f"{variant.id}, seed {run['seed']}: test accuracy {result.accuracy:.4f} with the "
        f"checkpoint of epoch {checkpoint['epoch']}, {len(labels):,} images of {report['data']}"
    )


def recorded_plan(run: dict[str, Any], settings: TrainingSettings) -> hardware.Plan:
    """The plan that the run was trained with, on the device that there is now."""
    values = {item.name: run[item.name] for item in dataclasses.fields(hardware.Plan)}
    return hardware.Plan(**values | {"device": hardware.choose_device(settings)})


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that prepare_data wrote")
    parser.add_argument("--run", type=Path, required=True, help="folder that train wrote")
    parser.add_argument("--runs-per-gpu", type=int, default=1, help="runs that share a GPU (1)")
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
