"""Images that occur more than once: reported, never dropped, so that counts stay published."""

import hashlib
from itertools import combinations
from typing import Any

import numpy as np


def count_duplicates(images: np.ndarray, split: dict[str, np.ndarray]) -> dict[str, Any]:
    """Equal images within each part, and distinct images that two parts share.

    `images` is uint8, one an image; `split` has the indices of each part. `within` counts the
    images that equal an earlier one of their part.
    """
    distinct = {part: {_digest(images[i]) for i in indices} for part, indices in split.items()}
    counts: dict[str, Any] = {
        "within": {part: len(indices) - len(distinct[part]) for part, indices in split.items()}
    }
    for first, second in combinations(split, 2):
        counts[f"{first}_{second}"] = len(distinct[first] & distinct[second])
    return counts


def _digest(image: np.ndarray) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()
