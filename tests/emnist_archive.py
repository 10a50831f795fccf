"""A small archive in the layout of the official one, for tests."""

import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np

from convnets.architectures.images import CLASSES
from convnets.data.emnist import MAPPING

TRAIN_IMAGES = "gzip/emnist-balanced-train-images-idx3-ubyte.gz"
TRAIN_LABELS = "gzip/emnist-balanced-train-labels-idx1-ubyte.gz"
TEST_IMAGES = "gzip/emnist-balanced-test-images-idx3-ubyte.gz"
TEST_LABELS = "gzip/emnist-balanced-test-labels-idx1-ubyte.gz"


def idx(array: np.ndarray, magic: int | None = None) -> bytes:
    header = struct.pack(
        f">{1 + array.ndim}I", magic or {3: 2051, 1: 2049}[array.ndim], *array.shape
    )
    return gzip.compress(header + array.tobytes(), mtime=0)


def images_and_labels(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return images, (np.arange(count) % 47).astype(np.uint8)


def members() -> dict[str, bytes]:
    """The members of a small, right archive."""
    train_images, train_labels = images_and_labels(141, 1)
    test_images, test_labels = images_and_labels(47, 2)
    return {
        MAPPING: "".join(f"{i} {ord(c)}\n" for i, c in enumerate(CLASSES)).encode(),
        TRAIN_IMAGES: idx(train_images),
        TRAIN_LABELS: idx(train_labels),
        TEST_IMAGES: idx(test_images),
        TEST_LABELS: idx(test_labels),
    }


def write_zip(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path
