"""Test the best checkpoint of a run on every test image."""

import argparse
import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import torch

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings, from_mapping
from convnets.core.errors import UserError, run_script
from convnets.core.files import atomic_write
from convnets.data.dataset import load_dataset
from convnets.data.folder import digest_of
from convnets.runs.run_folder import CHECKPOINT, PREDICTIONS, TEST, RunFolder, write_record
from convnets.training import hardware
from convnets.training.checkpoints import load_checkpoint
from convnets.training.evaluation import Evaluation, score
from convnets.training.gpu import place_on_gpu
from convnets.training.network import build_network
from convnets.training.trainer import go_on, place, predict


def main() -> None:
    arguments = parse_arguments()
    folder = RunFolder(arguments.run)
    run = folder.record
    variant = from_mapping(Variant, run["variant"])
    settings = from_mapping(TrainingSettings, run["training"])
    plan = recorded_plan(run, settings)
    with place_on_gpu(plan.device, arguments.runs_per_gpu, go_on, print):
        evaluate(arguments.data, folder, variant, settings, plan)


def evaluate(
    data: Path,
    run: RunFolder,
    variant: Variant,
    settings: TrainingSettings,
    plan: hardware.Plan,
) -> None:
    """Test the checkpoint of `run` on the test images in the folder `data`; write the result."""
    hardware.prepare(plan, settings.threads)
    dataset, seed = load_dataset(data), run.record["seed"]
    if digest_of(data) != run.record["data"]["digest"]:
        raise UserError(
            f"{run.path} was trained on other images than those in {data}: test it on its own "
            f"({run.record['data']['display_name']}), so that no test image is a training image"
        )
    images, labels = (torch.from_numpy(array) for array in dataset.part("test"))
    epoch, weights = load_checkpoint(run, plan.device)
    network = place(build_network(variant, seed), plan)
    network.load_state_dict(weights)
    scores = predict(network, images.to(plan.device), plan)
    result = score(scores.cpu(), labels.long())

    (run.path / TEST).unlink(missing_ok=True)
    with atomic_write(run.path / PREDICTIONS) as file:
        np.savez_compressed(
            file,
            index=dataset.split["test"].astype(np.int32),
            label=result.label,
            prediction=result.prediction,
            confidence=result.confidence,
        )
    classes = dataset.provenance["classes"]
    report = {
        "variant": variant.id,
        "seed": seed,
        "epoch": epoch,
        "test_images": len(labels),
        "test_accuracy": result.accuracy,
        "test_loss": result.loss,
        **official_accuracy(result, dataset.official_test),
        "per_class_accuracy": dict(zip(classes, result.per_class_accuracy, strict=True)),
        "data": dataset.provenance["display_name"],
    }
    write_record(run.path / TEST, report, PREDICTIONS, CHECKPOINT)
    print(
        f"{variant.id}, seed {seed}: test accuracy {result.accuracy:.4f} with the "
        f"checkpoint of epoch {epoch}, {len(labels):,} images of {report['data']}"
    )


def official_accuracy(result: Evaluation, official: np.ndarray) -> dict[str, Any]:
    """The accuracy on the official test images among the test images, if there are any."""
    if not official.any():
        return {}
    correct = (result.prediction == result.label)[official]
    return {"official_test_images": len(correct), "official_test_accuracy": correct.mean().item()}


def recorded_plan(run: dict[str, Any], settings: TrainingSettings) -> hardware.Plan:
    """The plan that the run was trained with, on the device that there is now.

    PyTorch's kernels compute where the run's fused ones do not work: on a GPU, or without Numba.
    """
    known = {item.name for item in dataclasses.fields(hardware.Plan)}
    values = {name: value for name, value in run.items() if name in known}
    plan = hardware.Plan(**values | {"device": hardware.choose_device(settings)})
    fusible = plan.device == "cpu" and importlib.util.find_spec("numba")
    return plan if fusible else dataclasses.replace(plan, kernels="pytorch")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that prepare_data wrote")
    parser.add_argument("--run", type=Path, required=True, help="folder that train wrote")
    parser.add_argument("--runs-per-gpu", type=int, default=1, help="runs that share a GPU (1)")
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
