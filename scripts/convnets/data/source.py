"""The common format of all sources of images, and its checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.architectures.images import CLASSES, EMNIST
from convnets.core.errors import UserError

ZIP_START = b"PK\x03\x04"
"""The first bytes of a zip file."""


class LabelledImages(NamedTuple):
    """The images of one file or part, with their labels."""

    images: np.ndarray
    """uint8, (N, 28, 28), upright, white on black; in colour (N, 3, 32, 32)."""
    labels: np.ndarray
    """uint8, (N,), indices into the classes."""


@dataclass(frozen=True)
class RawDataset:
    """The data of a source before it is split."""

    display_name: str
    """Name of the data beside every result."""
    parts: dict[str, LabelledImages]
    """The images by original part: `train`, `test` and sometimes `validation`."""
    files: list[Path]
    """The files that were read."""
    official: bool = False
    """Whether checksums prove the official EMNIST files."""
    classes: Sequence[str] = CLASSES
    """The names of the classes, in the order of their labels."""
    official_test_images: int = 0
    """Number of leading images of the file `test` that are official EMNIST Balanced test images,
    according to an archive that is not official itself."""


def check_labelled_images(
    name: str,
    images: np.ndarray,
    labels: np.ndarray,
    shape: tuple[int, ...] = EMNIST.shape,
    classes: Sequence[str] = CLASSES,
) -> LabelledImages:
    """The arrays of file `name`, unchanged. Raises `UserError` if they are not valid."""
    found, expected = (" x ".join(map(str, sizes)) for sizes in (images.shape[1:], shape))
    number = len(classes)
    counts = np.bincount(labels, minlength=number)
    missing = [name for name, count in zip(classes, counts, strict=False) if count == 0]
    for wrong, message in (
        (found != expected, f"images of {found} pixels, expected {expected}"),
        (len(images) != len(labels), f"{len(images)} images but {len(labels)} labels"),
        (len(labels) == 0, "no images in it"),
        (len(counts) > number, f"label {len(counts) - 1}, expected labels from 0 to {number - 1}"),
        (missing, f"no image of {', '.join(missing)}, expected all {number} classes"),
    ):
        if wrong:
            raise UserError(f"{name}: {message}")
    return LabelledImages(images, labels)


def describe_content(start: bytes) -> str:
    """The apparent type of a file that begins with `start`, for error messages."""
    if not start:
        return "an empty file"
    if start.lstrip().startswith(b"<"):
        return "an HTML or XML page"
    if start.startswith(ZIP_START):
        return "a zip file"
    return f"a file that begins with {start[:8]!r}"
