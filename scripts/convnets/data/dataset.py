"""The data as the later stages read it: arrays, split and provenance in one folder."""

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
    """All images of a source, and which of them train, validate and test."""

    images: np.ndarray
    """uint8, (N, 28, 28), upright, white on black, 0 to 255; in colour (N, 3, 32, 32)."""
    labels: np.ndarray
    """uint8, (N,), indices into the classes."""
    split: dict[str, np.ndarray]
    """int64 indices into both, for `train`, `validation` and `test`."""
    provenance: dict[str, Any]
    """Where the images come from: names, checksums, counts, duplicates, settings."""

    @property
    def image_kind(self) -> ImageKind:
        """What the images are like."""
        return parse(DataSettings, self.provenance.get("settings", {}), PROVENANCE).image_kind

    @property
    def official_test(self) -> np.ndarray:
        """Which images of the part `test` are official EMNIST Balanced test images, (images,).

        None in official data, which need no such distinction, and where the archive does not say.
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
    """Write the four files. The provenance is last: with it the folder is complete."""
    (folder / PROVENANCE).unlink(missing_ok=True)
    for name, array in ((IMAGES, dataset.images), (LABELS, dataset.labels)):
        with atomic_write(folder / name) as file:
            # Handed the file itself, NumPy writes to its descriptor, and a failure has no reason.
            np.save(SimpleNamespace(write=file.write), array)
    with atomic_write(folder / SPLIT) as file:
        np.savez(file, **dataset.split)  # type: ignore[arg-type]
    write_json(folder / PROVENANCE, dataset.provenance | {"digest": digest_of(folder)})


def load_dataset(folder: Path | str) -> Dataset:
    """The data in `folder`, the arrays mapped from disk; a `UserError` when inconsistent."""
    folder = Path(folder)
    missing = [n for n in (IMAGES, LABELS, SPLIT, PROVENANCE) if not (folder / n).is_file()]
    if missing:
        raise UserError(f"{folder}: no {', '.join(missing)}. Run scripts/prepare_data.py first.")
    try:
        split = read_arrays(folder / SPLIT, PARTS)
        dataset = Dataset(
            images=np.load(folder / IMAGES, mmap_mode="r"),
            labels=np.load(folder / LABELS, mmap_mode="r"),
            split=split,
            provenance=read_provenance(folder / PROVENANCE),
        )
        _check(dataset)
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            raise MemoryError(f"{folder} cannot be mapped into memory") from error
        raise UserError(
            f"{folder}: its files are damaged or not of one piece ({error}). Remove the folder "
            "and run scripts/prepare_data.py again."
        ) from error
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
        raise ValueError(f"{PROVENANCE} names other classes")
    indices = np.concatenate(list(dataset.split.values()))
    if indices.dtype != np.int64 or indices.ndim != 1 or len(np.unique(indices)) < len(indices):
        raise ValueError(f"the parts in {SPLIT} overlap or are not index arrays")
    if indices.min(initial=0) < 0 or indices.max(initial=0) >= len(labels):
        raise ValueError(f"an index in {SPLIT} is outside the {len(labels)} images")
    counts = {part: len(indices) for part, indices in dataset.split.items()}
    if counts != dataset.provenance["counts"]["split"]:
        raise ValueError(f"{SPLIT} has {counts}, which {PROVENANCE} contradicts")
