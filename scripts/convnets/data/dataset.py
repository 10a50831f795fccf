"""Prepared data: arrays, split and provenance in one folder, written and read."""

import errno
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from convnets.architectures.images import ImageKind
from convnets.config.settings import DataSettings, parse
from convnets.core.errors import UserError
from convnets.core.files import PROVENANCE, atomic_write, write_json
from convnets.data.arrays import DAMAGE, read_arrays
from convnets.data.folder import IMAGES, LABELS, SPLIT, digest_of, read_provenance
from convnets.data.source import LabelledImages
from convnets.data.split import PARTS


@dataclass(frozen=True)
class Dataset:
    """All images of a source, and their split into training, validation and test images."""

    images: np.ndarray
    """uint8, (N, 28, 28), upright, white on black, 0 to 255; in colour (N, 3, 32, 32)."""
    labels: np.ndarray
    """uint8, (N,), indices into the classes."""
    split: dict[str, np.ndarray]
    """int64 indices into both, for `train`, `validation` and `test`."""
    provenance: dict[str, Any]
    """Origin of the images: names, checksums, counts, duplicates, settings."""

    @property
    def image_kind(self) -> ImageKind:
        """The size, channels and classes of the images."""
        return parse(DataSettings, self.provenance.get("settings", {}), PROVENANCE).image_kind

    @property
    def official_test(self) -> np.ndarray:
        """Whether each image of the part `test` is an official test image of EMNIST, (images,).

        False for all images of official data, and of archives without `OFFICIAL_INDEX`.
        """
        first = self.provenance["counts"]["available"].get("train", 0)
        number = self.provenance.get("official_test_images", 0)
        index = self.split["test"]
        return np.asarray((first <= index) & (index < first + number))

    def part(self, name: str) -> LabelledImages:
        """The images and labels of `train`, `validation` or `test`, copied."""
        indices = self.split[name]
        return LabelledImages(self.images[indices], self.labels[indices])


def save_dataset(dataset: Dataset, folder: Path) -> None:
    """Write the four files. The provenance is written last, and marks the folder as complete."""
    (folder / PROVENANCE).unlink(missing_ok=True)
    for name, array in ((IMAGES, dataset.images), (LABELS, dataset.labels)):
        with atomic_write(folder / name) as file:
            # NumPy would write to the descriptor of a real file, and report no reason of a failure.
            np.save(SimpleNamespace(write=file.write), array)
    with atomic_write(folder / SPLIT) as file:
        np.savez(file, **dataset.split)  # type: ignore[arg-type]
    write_json(folder / PROVENANCE, dataset.provenance | {"digest": digest_of(folder)})


def load_dataset(folder: Path | str, kind: ImageKind | None = None) -> Dataset:
    """The data in `folder`, arrays mapped from disk.

    Raises `UserError` if it is inconsistent, or has images of another than the expected `kind`.
    """
    folder = Path(folder)
    missing = [n for n in (IMAGES, LABELS, SPLIT, PROVENANCE) if not (folder / n).is_file()]
    if missing:
        raise UserError(f"{folder}: no {', '.join(missing)}. Run scripts/prepare_data.py first.")
    try:
        dataset = Dataset(
            images=np.load(folder / IMAGES, mmap_mode="r"),
            labels=np.load(folder / LABELS, mmap_mode="r"),
            split=read_arrays(folder / SPLIT, PARTS),
            provenance=read_provenance(folder / PROVENANCE),
        )
        _check(dataset)
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            raise MemoryError(f"{folder} cannot be mapped into memory") from error
        raise UserError(
            f"{folder}: its files are corrupt or inconsistent ({error}). Remove the folder and run "
            "scripts/prepare_data.py again."
        ) from error
    if kind not in (None, dataset.image_kind):
        raise UserError(
            f"{folder} contains {dataset.image_kind}, but the variant is for {kind}: give the "
            "variant the image_kind of the data, or other data"
        )
    return dataset


def _check(dataset: Dataset) -> None:
    """Raise `ValueError` unless arrays, split and provenance fit together."""
    images, labels = dataset.images, dataset.labels
    if images.dtype != np.uint8 or images.shape[1:] != dataset.image_kind.shape:
        raise ValueError(f"{IMAGES} is {images.dtype} of shape {images.shape}")
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise ValueError(f"{LABELS} is {labels.dtype} of shape {labels.shape}")
    if labels.max(initial=0) >= dataset.image_kind.classes:
        raise ValueError(f"{LABELS} has label {labels.max()}")
    if len(dataset.provenance.get("classes", ())) != dataset.image_kind.classes:
        raise ValueError(f"{PROVENANCE} has other classes")
    indices = np.concatenate(list(dataset.split.values()))
    if indices.dtype != np.int64 or indices.ndim != 1 or len(np.unique(indices)) < len(indices):
        raise ValueError(f"the parts in {SPLIT} overlap or are not index arrays")
    if indices.min(initial=0) < 0 or indices.max(initial=0) >= len(labels):
        raise ValueError(f"an index in {SPLIT} is outside the {len(labels)} images")
    counts = {part: len(indices) for part, indices in dataset.split.items()}
    if counts != dataset.provenance["counts"]["split"]:
        raise ValueError(f"{SPLIT} has {counts}, which {PROVENANCE} contradicts")
