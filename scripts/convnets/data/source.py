"""What every source of images hands over, and the checks that hold for all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from convnets.errors import UserError
from convnets.files import file_digest
from convnets.settings import CLASSES, IMAGE_SIZE

ZIP_START = b"PK\x03\x04"
"""The first bytes of a zip file."""


class LabelledImages(NamedTuple):
    """The images of one file or part, and their labels."""

    images: np.ndarray
    """uint8, (N, 28, 28), upright, white on black."""
    labels: np.ndarray
    """uint8, (N,), indices into `CLASSES`."""


@dataclass(frozen=True)
class Source:
    """Everything that was read or made, before it is split."""

    display_name: str
    """What to call the data wherever a number made from it appears."""
    official: bool
    """Whether checksums prove the official EMNIST files."""
    parts: dict[str, LabelledImages]
    """The images by the part that they came in: `train`, `test` and sometimes `validation`."""
    files: list[dict[str, Any]]
    """Name, size and checksums of the files that were read."""


def check_labelled_images(name: str, images: np.ndarray, labels: np.ndarray) -> LabelledImages:
    """The arrays of file `name` as they are, or a `UserError` that says what is wrong."""
    if images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        size = " x ".join(str(length) for length in images.shape[1:])
        raise UserError(f"{name}: images of {size} pixels, expected {IMAGE_SIZE} x {IMAGE_SIZE}")
    if len(images) != len(labels):
        raise UserError(
            f"{name}: {len(images)} images but {len(labels)} labels, expected as many of each"
        )
    if len(labels) == 0:
        raise UserError(f"{name}: no images in it")
    if labels.max() >= len(CLASSES):
        raise UserError(
            f"{name}: label {labels.max()}, expected labels from 0 to {len(CLASSES) - 1} "
            f"({len(CLASSES)} classes)"
        )
    missing = [c for c, n in zip(CLASSES, class_counts(labels), strict=True) if n == 0]
    if missing:
        raise UserError(
            f"{name}: no image of {', '.join(missing)}, expected all {len(CLASSES)} classes"
        )
    return LabelledImages(images, labels)


def class_counts(labels: np.ndarray) -> np.ndarray:
    """Number of images of each class, (47,)."""
    return np.bincount(labels, minlength=len(CLASSES))


def describe_file(path: Path) -> dict[str, Any]:
    """Name (no folder), bytes, MD5 and SHA-256 of a file."""
    return {
        "name": path.name,
        "bytes": path.stat().st_size,
        "md5": file_digest(path, "md5"),
        "sha256": file_digest(path),
    }


def describe_content(start: bytes) -> str:
    """What a file that begins with `start` seems to be, for error messages."""
    if not start:
        return "an empty file"
    if start.lstrip().startswith(b"<"):
        return "an HTML or XML page"
    if start.startswith(ZIP_START):
        return "a zip file"
    return f"a file that begins with {start[:8]!r}"
