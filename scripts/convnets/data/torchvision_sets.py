"""Data sets of torchvision other than EMNIST, read and checked by torchvision itself.

torchvision downloads what is not there and checks the MD5 of every download; those of CIFAR-10 it
checks whenever it reads them.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from convnets.config.settings import IMAGE_KINDS, TorchvisionSettings
from convnets.core.errors import UserError
from convnets.data.download import waiting_lock
from convnets.data.source import Source, check_labelled_images, describe_file
from convnets.data.torchvision_shim import datasets

DISPLAY_NAMES = {"KMNIST": "KMNIST", "FashionMNIST": "Fashion-MNIST", "CIFAR10": "CIFAR-10"}
FOLDERS = {
    "KMNIST": "KMNIST/raw",
    "FashionMNIST": "FashionMNIST/raw",
    "CIFAR10": "cifar-10-batches-py",
}
"""Where torchvision keeps the files that it reads, within its folder."""
DAMAGE = (OSError, EOFError, ValueError, AssertionError, RuntimeError, KeyError, pickle.PickleError)
"""What torchvision raises on files that are not there, damaged or not to be had."""


def fetch_torchvision(settings: TorchvisionSettings) -> None:
    """Bring the data set to its folder, unless it is there. One process at a time does so."""
    folder = Path(settings.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with waiting_lock(folder / f"{settings.name}.lock"):
            _open(settings, train=True, download=True)
    except DAMAGE as error:
        raise UserError(
            f"{folder}: {settings.name} is not there and cannot be downloaded ({_line(error)}). "
            f"Put torchvision's files into {folder / FOLDERS[settings.name]}, or name another "
            "folder with data.torchvision.folder"
        ) from error


def read_torchvision(settings: TorchvisionSettings) -> Source:
    """The training and the test file of the data set."""
    folder = Path(settings.folder) / FOLDERS[settings.name]
    try:
        opened = {part: _open(settings, train=part == "train") for part in ("train", "test")}
    except DAMAGE as error:
        raise UserError(
            f"{folder}: {settings.name} is not there or damaged ({_line(error)}). Remove the "
            "folder and fetch it with scripts/fetch_archive.py"
        ) from error
    classes = [str(name) for name in opened["train"].classes]
    kind = IMAGE_KINDS[settings.name]
    parts = {}
    for part, dataset in opened.items():
        images = _channels_first(np.asarray(dataset.data))
        labels = np.asarray(dataset.targets).astype(np.uint8)
        name = f"{folder}, {part}"
        parts[part] = check_labelled_images(name, images, labels, kind.shape, classes)
    files = sorted(file for file in folder.iterdir() if file.suffix not in (".gz", ".html"))
    return Source(
        display_name=DISPLAY_NAMES[settings.name],
        official=False,
        parts=parts,
        files=[describe_file(file) for file in files],
        classes=classes,
    )


def _open(settings: TorchvisionSettings, train: bool, download: bool = False) -> Any:
    return getattr(datasets, settings.name)(settings.folder, train=train, download=download)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _channels_first(images: np.ndarray) -> np.ndarray:
    """Images as the networks take them: torchvision has colours last."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)) if images.ndim == 4 else images
