"""Other data sets: read by torchvision, split, and what training and captions make of them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from convnets.architectures.images import ImageKind
from convnets.architectures.variant import Variant
from convnets.config.settings import (
    DataSettings,
    SplitSettings,
    TorchvisionName,
    TorchvisionSettings,
    TrainingSettings,
    to_json,
)
from convnets.core.errors import UserError
from convnets.data.dataset import load_dataset, save_dataset
from convnets.data.prepare import prepare_dataset
from convnets.data.torchvision_sets import datasets, fetch_torchvision
from convnets.judging.conditions import conditions, deviations
from torchvision_files import CIFAR10_NAMES, write_cifar10, write_idx_files

SIZES = SplitSettings(train=100, validation=20, test=40)


def settings(folder: Path, name: TorchvisionName) -> DataSettings:
    torchvision = TorchvisionSettings(name=name, folder=str(folder))
    return DataSettings(source="torchvision", split=SIZES, torchvision=torchvision)


@pytest.mark.parametrize("name", ["KMNIST", "FashionMNIST"])
def test_grey_images_as_the_files_have_them(name: TorchvisionName, tmp_path: Path) -> None:
    parts = write_idx_files(tmp_path, name)
    dataset = prepare_dataset(settings(tmp_path, name))
    np.testing.assert_array_equal(dataset.images, np.concatenate([p[0] for p in parts.values()]))
    np.testing.assert_array_equal(dataset.labels, np.concatenate([p[1] for p in parts.values()]))
    assert {part: len(indices) for part, indices in dataset.split.items()} == {
        "train": 100,
        "validation": 20,
        "test": 40,
    }
    assert dataset.split["test"].min() >= 120
    assert dataset.provenance["counts"]["per_class"]["validation"] == [2] * 10
    assert len(dataset.provenance["classes"]) == 10
    assert len(dataset.provenance["files"]) == 4


def test_colours_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attributes, parts = write_cifar10(tmp_path)
    for key, value in attributes.items():
        monkeypatch.setattr(datasets.CIFAR10, key, value)
    save_dataset(prepare_dataset(settings(tmp_path, "CIFAR10")), tmp_path / "data")
    dataset = load_dataset(tmp_path / "data")
    np.testing.assert_array_equal(dataset.images, np.concatenate([parts["train"], parts["test"]]))
    assert dataset.image_kind == ImageKind(size=32, channels=3, classes=10)
    assert dataset.provenance["classes"] == CIFAR10_NAMES


def test_a_changed_file_of_cifar10_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes, _ = write_cifar10(tmp_path)
    for key, value in attributes.items():
        monkeypatch.setattr(datasets.CIFAR10, key, value)
    batch = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(batch.read_bytes()[:-1])
    with pytest.raises(UserError, match="CIFAR10 is missing or damaged"):
        prepare_dataset(settings(tmp_path, "CIFAR10"))


def test_truncated_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"KMNIST is missing .* fetch it with"):
        prepare_dataset(settings(tmp_path, "KMNIST"))
    write_idx_files(tmp_path, "KMNIST")
    images = tmp_path / "KMNIST" / "raw" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(UserError, match="KMNIST is missing or damaged"):
        prepare_dataset(settings(tmp_path, "KMNIST"))


def test_what_is_there_is_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.KMNIST, "mirrors", ["http://127.0.0.1:9/"])
    wanted = settings(tmp_path, "KMNIST").torchvision
    with pytest.raises(UserError, match=r"cannot be downloaded .* data\.torchvision\.folder"):
        fetch_torchvision(wanted)
    write_idx_files(tmp_path / "there", "KMNIST")
    fetch_torchvision(settings(tmp_path / "there", "KMNIST").torchvision)


def test_captions_name_the_data_and_hold_nothing_against_the_paper(tmp_path: Path) -> None:
    write_idx_files(tmp_path, "FashionMNIST")
    provenance = prepare_dataset(settings(tmp_path, "FashionMNIST")).provenance
    runs = pd.DataFrame(
        {"epochs": [100], "epochs_trained": [100], "device": ["K80"]},
        pd.Index(["no_pooling"], name="variant"),
    )
    assert "EMNIST" not in conditions(provenance, runs)
    assert "paper" not in conditions(provenance, runs)
    assert deviations(provenance, runs)[0] == "data are Fashion-MNIST, not official EMNIST Balanced"


def test_a_network_for_other_images_is_refused_and_the_right_one_trains(tmp_path: Path) -> None:
    write_idx_files(tmp_path, "KMNIST")
    save_dataset(prepare_dataset(settings(tmp_path, "KMNIST")), tmp_path / "data")
    right = Variant("a", "mix_pool", filters=4, image_kind=ImageKind(classes=10))
    for variant, code in ((Variant("a", "mix_pool", filters=4), 1), (right, 0)):
        command = [sys.executable, "scripts/train.py", "--data", tmp_path / "data"]
        command += ["--variant", to_json(variant.specification()), "--epochs", "1", "--seed", "0"]
        command += [
            "--training",
            to_json(TrainingSettings(device="cpu")),
            "--output",
            tmp_path / "run",
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert code == 0 or "give the variant the image_kind of the data" in done.stderr
    command = [sys.executable, "scripts/evaluate.py", "--data", tmp_path / "data"]
    subprocess.run([*command, "--run", tmp_path / "run"], check=True)
    assert len(json.loads((tmp_path / "run" / "test.json").read_text())["per_class_accuracy"]) == 10
