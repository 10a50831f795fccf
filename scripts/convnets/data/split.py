"""The split into training, validation and test images: stratified by class, from one seed."""

from collections.abc import Sequence

import numpy as np

from convnets.architectures.images import CLASSES
from convnets.config.settings import SplitSettings
from convnets.core.errors import UserError

PARTS = ("train", "validation", "test")


def scale_sizes(split: SplitSettings, subset: float) -> dict[str, int]:
    """The number of images of each part, times the fraction `subset`."""
    if not 0 < subset <= 1:
        raise UserError(f"--subset is {subset}, expected a fraction above 0 and at most 1")
    return {part: round(getattr(split, part) * subset) for part in PARTS}


def make_split(
    labels: dict[str, np.ndarray],
    protocol: str,
    sizes: dict[str, int],
    rng: np.random.Generator,
    classes: Sequence[str] = CLASSES,
) -> dict[str, np.ndarray]:
    """Sorted int64 indices of each part into the concatenated files.

    `labels` contains the labels of each file, in this order. Training and test images come from
    the files of these names. Without a validation file, validation images come from the rest of
    both files (`leftover`) or of the training file only (`train_file`).
    """
    all_labels = np.concatenate(list(labels.values()))
    ends = np.cumsum([len(part) for part in labels.values()])
    pools = dict(zip(labels, np.split(np.arange(len(all_labels)), ends[:-1]), strict=True))
    split: dict[str, np.ndarray] = {}
    for part in ("train", "test", "validation"):
        if part not in pools:
            files = ("train", "test") if protocol == "leftover" else ("train",)
            pools[part] = np.concatenate([np.setdiff1d(pools[f], split[f]) for f in files])
        split[part] = _sample(part, pools[part], all_labels, sizes[part], rng, classes)
    return {part: split[part] for part in PARTS}


def allocate(counts: np.ndarray, size: int) -> np.ndarray:
    """Numbers of images per class, `size` in total, proportional to `counts` by largest remainder.

    No number exceeds its count if `size <= counts.sum()`.
    """
    shares, remainders = np.divmod(counts.astype(np.int64) * size, counts.sum())
    largest_first = np.argsort(-remainders, kind="stable")
    shares[largest_first[: size - shares.sum()]] += 1
    return shares


def _sample(
    part: str,
    pool: np.ndarray,
    all_labels: np.ndarray,
    size: int,
    rng: np.random.Generator,
    classes: Sequence[str],
) -> np.ndarray:
    """A stratified sample of `size` indices of `pool`."""
    if size > len(pool):
        raise UserError(
            f"data.split.{part} asks for {size} images, and {len(pool)} are available for it. "
            f"Set data.split.{part} to at most {len(pool)}, or take a larger source of images "
            "(with glyphs: data.glyphs.train and data.glyphs.test)."
        )
    labels = all_labels[pool]
    counts = np.bincount(labels, minlength=len(classes))
    shares = allocate(counts, size)
    empty = [name for name, share in zip(classes, shares, strict=True) if share == 0]
    if empty:
        raise UserError(
            f"data.split.{part} gives {size} images, which leaves none for the classes "
            f"{' '.join(empty)}; expected at least one a class. Raise data.split.{part} or "
            "--subset."
        )
    chosen = [rng.choice(pool[labels == i], n, replace=False) for i, n in enumerate(shares)]
    return np.sort(np.concatenate(chosen))
