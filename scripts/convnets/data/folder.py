"""The files of prepared data, and the digest of what is in them. Standard library only."""

import hashlib
from pathlib import Path

from convnets.core.files import file_digest

IMAGES, LABELS, SPLIT = "images.npy", "labels.npy", "split.npz"


def digest_of(folder: Path) -> str:
    """The SHA-256 that tells whether two runs saw the same images, labels and split."""
    digests = "".join(file_digest(folder / name) for name in (IMAGES, LABELS, SPLIT))
    return hashlib.sha256(digests.encode()).hexdigest()
