"""The files of prepared data: their names, their digest, and the provenance."""

import hashlib
from pathlib import Path
from typing import Any

from convnets.config.settings import read_as
from convnets.core.files import file_digest
from convnets.core.kinds import Count, Line, section

IMAGES, LABELS, SPLIT = "images.npy", "labels.npy", "split.npz"
FILE = section({"bytes": Count, "md5": str, "sha256": str}, name=str)
SPLIT_SIZES = section(train=Count, validation=Count, test=Count)
PER_CLASS = section(train=list[Count], validation=list[Count], test=list[Count])
KEYS = section(
    {
        "files": list[FILE],  # type: ignore[valid-type]
        "settings": dict[str, Any],
        "classes": str | list[str],
        "subset": float,
        "digest": str,
        "official_test_images": Count,
        "duplicates": dict[str, Any],
    },
    official=bool,
    display_name=Line,
    source=str,
    counts=section({"available": dict[str, Count], "per_class": PER_CLASS}, split=SPLIT_SIZES),
)
"""Keys of `provenance.json`; older files lack the first ones."""


def read_provenance(path: Path) -> dict[str, Any]:
    """`provenance.json` of prepared data. Raises `UserError` if it is damaged."""
    return read_as(KEYS, path, f"prepare the data again, after deleting {path.parent}")


def digest_of(folder: Path) -> str:
    """The SHA-256 of images, labels and split, which is equal for runs on the same data."""
    digests = "".join(file_digest(folder / name) for name in (IMAGES, LABELS, SPLIT))
    return hashlib.sha256(digests.encode()).hexdigest()
