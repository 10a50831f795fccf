"""Train one variant with one seed, or go on where an earlier attempt was interrupted."""

import argparse
import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import torch

from convnets import hardware, records
from convnets.data.dataset import Dataset, load_dataset
from convnets.errors import UserError, run_script
from convnets.files import file_digest, write_json
from convnets.settings import TrainingSettings, from_json
from convnets.training import Part, State, Trainer, save, train, write_history
from convnets.variant import Variant


def main() -> None:
    arguments = parse_arguments()
    if arguments.epochs < 1:
        raise UserError(f"--epochs is {arguments.epochs}, expected 1 or more")
    variant = from_json(Variant, arguments.variant)
    settings = from_json(TrainingSettings, arguments.training)
    device, precision = hardware.prepare(settings)
    started = records.now()
    dataset = load_dataset(arguments.data)
    record: dict[str, Any] = {
        "variant": variant.specification(),
        "sizes": variant.sizes,
        "parameters": variant.parameters,
        "multiply_adds": variant.multiply_adds,
        "receptive_field": variant.receptive_field,
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "training": dataclasses.asdict(settings),
        "data": describe_data(dataset, arguments.data),
        "device": device.type,
        "device_name": hardware.describe(device),
        "precision": str(precision).removeprefix("torch."),
        "software": records.software(),
        "git_commit": records.git_commit(),
        "started": started,
    }
    print(
        f"{variant.id}, seed {arguments.seed}: {variant.parameters:,} parameters, "
        f"{record['data']['display_name']}, {record['device_name']}, {record['precision']}",
        flush=True,
    )
    trainer = Trainer(variant, settings, arguments.seed, device, precision)
    identity = {key: record[key] for key in ("variant", "seed", "training", "precision", "device")}
    state = train(
        trainer,
        to_device(dataset, "train", device),
        to_device(dataset, "validation", device),
        arguments.epochs,
        arguments.output,
        belongs_to=identity | {"data": record["data"]["digest"]},
        log=lambda line: print(line, flush=True),
    )
    finish(state, record, arguments.output)


def finish(state: State, record: dict[str, Any], folder: Path) -> None:
    """Write what the run leaves behind, then drop its resumable state."""
    best = state.best
    write_history(folder / "history.csv", state)
    save(folder / "best.pt", {"epoch": best.epoch, "network": state.best_network})
    result = {
        "finished": records.now(),
        "train_seconds": sum(row.epoch_seconds for row in state.history),
        "best_epoch": best.epoch,
        "best_val_accuracy": best.val_accuracy,
    }
    write_json(folder / "run.json", record | result)
    (folder / "state.pt").unlink()


def to_device(dataset: Dataset, part: str, device: torch.device) -> Part:
    """Images and labels of a part of the split, on the device."""
    images, labels = dataset.part(part)
    return torch.from_numpy(images).to(device), torch.from_numpy(labels).long().to(device)


def describe_data(dataset: Dataset, folder: Path) -> dict[str, Any]:
    """Name, sizes and digest of the data: the digest tells whether two runs saw the same."""
    files = ("images.npy", "labels.npy", "split.npz")
    digests = "".join(file_digest(folder / name) for name in files)
    return {
        "display_name": dataset.provenance["display_name"],
        "split": dataset.provenance["counts"]["split"],
        "digest": hashlib.sha256(digests.encode()).hexdigest(),
    }


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that prepare_data wrote")
    parser.add_argument("--variant", required=True, help="the architecture, as a JSON object")
    parser.add_argument("--training", required=True, help="training settings, as a JSON object")
    parser.add_argument("--epochs", type=int, required=True, help="epochs to train for")
    parser.add_argument("--seed", type=int, required=True, help="seed of weights and order")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
