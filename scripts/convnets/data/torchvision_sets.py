"""Data sets of torchvision other than EMNIST, read and checked by torchvision itself.

torchvision downloads missing files and checks the MD5 of every download, and that of CIFAR-10
whenever it reads it.

PyPI's torchvision is built for CUDA. With a CPU build of PyTorch, its import fails with "operator
torchvision::nms does not exist", because two compiled operators cannot be loaded. Declaring both
without code makes the rest of torchvision work; nothing here calls them.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from convnets.config.settings import IMAGE_KINDS, TorchvisionSettings
from convnets.core.errors import UserError
from convnets.data.download import waiting_lock
from convnets.data.source import RawDataset, check_labelled_images

try:
    from torchvision import datasets
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    _LIBRARY = torch.library.Library("torchvision", "FRAGMENT")  # Keeps its operators alive.
    for operator in ("nms", "qnms"):
        _LIBRARY.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision import datasets

SETS = {
    "KMNIST": ("KMNIST", "KMNIST/raw"),
    "FashionMNIST": ("Fashion-MNIST", "FashionMNIST/raw"),
    "CIFAR10": ("CIFAR-10", "cifar-10-batches-py"),
}
"""Name to show, and subfolder of the files that torchvision reads."""
DAMAGE = (OSError, EOFError, ValueError, AssertionError, RuntimeError, KeyError, pickle.PickleError)
"""Exceptions of torchvision for files that are missing, damaged or unavailable."""


def fetch_torchvision(settings: TorchvisionSettings) -> None:
    """Download the data set, unless its folder has it. Only one process does so at a time."""
    folder = Path(settings.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with waiting_lock(folder / f"{settings.name}.lock"):
        _open(settings, train=True, download=True)


def read_torchvision(settings: TorchvisionSettings) -> RawDataset:
    """The training and the test file of the data set, with channels first."""
    title, subfolder = SETS[settings.name]
    folder = Path(settings.folder, subfolder)
    opened = {part: _open(settings, train=part == "train") for part in ("train", "test")}
    classes = [str(name) for name in opened["train"].classes]
    shape, parts = IMAGE_KINDS[settings.name].shape, {}
    for part, dataset in opened.items():
        images, labels = np.asarray(dataset.data), np.asarray(dataset.targets).astype(np.uint8)
        if images.ndim == 4:
            images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        parts[part] = check_labelled_images(f"{folder}, {part}", images, labels, shape, classes)
    files = sorted(file for file in folder.iterdir() if file.suffix not in (".gz", ".html"))
    return RawDataset(title, parts, files, classes=classes)


def _open(settings: TorchvisionSettings, train: bool, download: bool = False) -> Any:
    try:
        return getattr(datasets, settings.name)(settings.folder, train=train, download=download)
    except DAMAGE as error:
        folder, reason = Path(settings.folder, SETS[settings.name][1]), " ".join(str(error).split())
        found = "cannot be downloaded" if download else "is missing or damaged"
        raise UserError(
            f"{folder}: {settings.name} {found} ({reason}). Remove the folder and fetch it with "
            "scripts/fetch_archive.py, put torchvision's files there, or name another folder with "
            "data.torchvision.folder"
        ) from error
