"""The course's split files: `emnist-train.npz`, `emnist-valid.npz`, `emnist-test.npz`."""

from pathlib import Path

import numpy as np

from convnets.architectures.images import IMAGE_SIZE
from convnets.core.errors import UserError
from convnets.data.arrays import DAMAGE, read_arrays
from convnets.data.source import LabelledImages, RawDataset, check_labelled_images

FILES = {
    "train": "emnist-train.npz",
    "validation": "emnist-valid.npz",
    "test": "emnist-test.npz",
}


def read_split_files(folder: Path) -> RawDataset:
    """The three parts in the files, with the orientation of images unchanged.

    Each file has `inputs`, (N, 784), (N, 28, 28) or (N, 1, 28, 28), integers or floats from 0
    to 255 or floats from 0 to 1, and `targets`, (N,) or (N, 1), labels from 0 to 46.
    """
    paths = {part: folder / name for part, name in FILES.items()}
    missing = [path.name for path in paths.values() if not path.is_file()]
    if missing:
        raise UserError(
            f"{folder}: no {', '.join(missing)}, expected {', '.join(FILES.values())}. Put them "
            "there, or name their folder with data.npz.folder."
        )
    parts = {part: _read_part(path) for part, path in paths.items()}
    return RawDataset("EMNIST course split files", parts, list(paths.values()))


def _read_part(path: Path) -> LabelledImages:
    try:
        inputs, targets = read_arrays(path, ("inputs", "targets")).values()
    except DAMAGE as error:
        raise UserError(
            f"{path}: expected the arrays inputs and targets; it cannot be read as an npz file "
            f"of them ({error}): truncated, damaged or the wrong file. Copy it again."
        ) from error
    shapes = [(IMAGE_SIZE**2,), (IMAGE_SIZE, IMAGE_SIZE), (1, IMAGE_SIZE, IMAGE_SIZE)]
    if inputs.shape[1:] not in shapes or len(inputs) == 0:
        expected = " or ".join(str(("N", *shape)).replace("'", "") for shape in shapes)
        raise UserError(f"{path}: inputs of shape {inputs.shape}, expected {expected}")
    if inputs.dtype.kind not in "uif" or not 0 <= inputs.min() <= inputs.max() <= 255:
        raise UserError(
            f"{path}: inputs are {inputs.dtype} from {inputs.min()} to {inputs.max()}, expected "
            "numbers from 0 to 255 or from 0 to 1"
        )
    if inputs.dtype.kind == "f" and inputs.max() <= 1:
        inputs = inputs * 255
    images = np.rint(inputs).astype(np.uint8).reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
    flat = targets.reshape(-1) if targets.shape[1:] == (1,) else targets
    labels = flat.astype(np.uint8)
    if flat.ndim != 1 or flat.dtype.kind not in "uif" or not np.array_equal(flat, labels):
        raise UserError(
            f"{path}: targets are {targets.dtype} of shape {targets.shape}, expected whole "
            "numbers from 0, one per image"
        )
    return check_labelled_images(str(path), images, labels)
