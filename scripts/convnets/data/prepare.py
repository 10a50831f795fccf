"""The preparation of data: read or draw the images, split them, and describe their origin."""

import hashlib
from itertools import combinations
from typing import Any

import numpy as np

from convnets.config.settings import DataSettings
from convnets.core.files import file_digest
from convnets.data.dataset import Dataset
from convnets.data.emnist import read_archive, read_split_files
from convnets.data.glyphs import make_glyphs
from convnets.data.source import RawDataset
from convnets.data.split import make_split, scale_sizes


def prepare_dataset(settings: DataSettings, subset: float = 1.0) -> Dataset:
    """All images of the configured source, split with sizes scaled by `subset`.

    The same settings and files give the same arrays and the same provenance.
    """
    sizes = scale_sizes(settings.split, subset)
    split_seed, glyph_seed = np.random.SeedSequence(settings.seed).spawn(2)
    source = _read_source(settings, glyph_seed)
    by_part = {name: part.labels for name, part in source.parts.items()}
    rng = np.random.default_rng(split_seed)
    split = make_split(by_part, settings.split.protocol, sizes, rng, source.classes)
    images = np.concatenate([part.images for part in source.parts.values()])
    labels = np.concatenate([*by_part.values()])
    provenance = {
        "display_name": source.display_name,
        "official": source.official,
        "source": settings.source,
        "files": [
            {
                "name": file.name,
                "bytes": file.stat().st_size,
                "md5": file_digest(file, "md5"),
                "sha256": file_digest(file),
            }
            for file in source.files
        ],
        "classes": source.classes,
        "subset": subset,
        "settings": settings.shaping(),
        "counts": {
            "available": {name: len(part) for name, part in by_part.items()},
            "split": {part: len(indices) for part, indices in split.items()},
            "per_class": {
                part: np.bincount(labels[indices], minlength=len(source.classes)).tolist()
                for part, indices in split.items()
            },
        },
        "duplicates": count_duplicates(images, split),
    }
    if source.official_test_images:
        provenance["official_test_images"] = source.official_test_images
    return Dataset(images, labels, split, provenance)


def _read_source(settings: DataSettings, glyph_seed: np.random.SeedSequence) -> RawDataset:
    match settings.source:
        case "nist":
            return read_archive(settings.nist)
        case "archive":
            return read_archive(settings.archive)
        case "npz":
            return read_split_files(settings.npz)
        case "glyphs":
            return make_glyphs(settings.glyphs, glyph_seed)
        case "torchvision":
            from convnets.data.torchvision_sets import read_torchvision  # noqa: PLC0415, is slow

            return read_torchvision(settings.torchvision)


def count_duplicates(images: np.ndarray, split: dict[str, np.ndarray]) -> dict[str, Any]:
    """Numbers of equal images within each part, and of distinct images that two parts share.

    Duplicates are not removed, so that the numbers of images remain the published ones. `within`
    counts the images that are equal to an earlier image of their part.
    """
    distinct = {
        part: {hashlib.blake2b(images[i].tobytes(), digest_size=16).digest() for i in indices}
        for part, indices in split.items()
    }
    counts: dict[str, Any] = {
        "within": {part: len(indices) - len(distinct[part]) for part, indices in split.items()}
    }
    for first, second in combinations(split, 2):
        counts[f"{first}_{second}"] = len(distinct[first] & distinct[second])
    return counts
