"""Tiny files in the layouts of KMNIST, Fashion-MNIST and CIFAR-10."""

import hashlib
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np

NUMBERS = {"train": 120, "t10k": 40}
CIFAR10_NAMES = [f"kind {number}" for number in range(10)]


def write_idx_files(folder: Path, name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Random images of ten classes in `folder/NAME/raw`, as torchvision unpacks them."""
    rng = np.random.default_rng(0)
    raw = folder / name / "raw"
    raw.mkdir(parents=True)
    parts = {}
    for part, number in NUMBERS.items():
        images = rng.integers(0, 256, (number, 28, 28), dtype=np.uint8)
        labels = (np.arange(number) % 10).astype(np.uint8)
        header = struct.pack(">4I", 2051, number, 28, 28)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = struct.pack(">2I", 2049, number)
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
        parts[part] = images, labels
    return parts


def write_cifar10(folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Random pictures in `folder`, and what torchvision's class must say of these files.

    Returns the attributes to set on `torchvision.datasets.CIFAR10`, with the checksums, and the
    images (number, 3, 32, 32) of each part.
    """
    rng = np.random.default_rng(0)
    batches = folder / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    checksums: dict[str, str] = {}

    def write(name: str, content: dict[str, Any]) -> None:
        payload = pickle.dumps(content)
        (batches / name).write_bytes(payload)
        checksums[name] = hashlib.md5(payload).hexdigest()

    parts: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        data = rng.integers(0, 256, (40, 3072), dtype=np.uint8)
        write(name, {"data": data, "labels": [number % 10 for number in range(40)]})
        parts["test" if name == "test_batch" else "train"].append(data.reshape(40, 3, 32, 32))
    write("batches.meta", {"label_names": CIFAR10_NAMES})
    attributes = {
        "train_list": [[name, checksums[name]] for name in checksums if name.startswith("data")],
        "test_list": [["test_batch", checksums["test_batch"]]],
        "meta": {
            "filename": "batches.meta",
            "key": "label_names",
            "md5": checksums["batches.meta"],
        },
    }
    return attributes, {part: np.concatenate(images) for part, images in parts.items()}
