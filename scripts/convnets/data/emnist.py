"""EMNIST Balanced: the zip in the layout of the official archive, and the course's split files.

Cohen, Afshar, Tapson, van Schaik: "EMNIST: an extension of MNIST to handwritten letters"
(2017). Nothing is extracted to disk, where an incomplete folder could look complete.
"""

import zipfile
from pathlib import Path

import numpy as np

from convnets.architectures.images import CLASSES, IMAGE_SIZE
from convnets.config.settings import (
    OFFICIAL_SHA256,
    OFFICIAL_TEST_IMAGES,
    ArchiveSettings,
    NistSettings,
    NpzSettings,
)
from convnets.core.errors import UserError
from convnets.core.files import file_digest
from convnets.data.arrays import DAMAGE, read_arrays, read_idx, read_member
from convnets.data.source import LabelledImages, RawDataset, check_labelled_images, describe_content

MAPPING = "gzip/emnist-balanced-mapping.txt"
IMAGES = "gzip/emnist-balanced-{part}-images-idx3-ubyte.gz"
LABELS = "gzip/emnist-balanced-{part}-labels-idx1-ubyte.gz"
OFFICIAL_INDEX = "official-test-index.txt"
"""Optional member of other archives: the positions in the official test file of the first images
of their own test file, one per line, in the same order."""


def read_archive(settings: NistSettings | ArchiveSettings) -> RawDataset:
    """The training and the test file of EMNIST Balanced in a zip file.

    Its checksum must be the configured one, if any. Only the official file is called EMNIST
    Balanced, whatever the configuration expects. Raises `UserError` for any damaged, wrong or
    missing file.
    """
    path, nist = Path(settings.path), isinstance(settings, NistSettings)
    key = "data.nist.path" if nist else "data.archive.path"
    remedy = f"Remove it and fetch or copy it again, or name another file with {key}."
    try:
        with open(path, "rb") as file:
            found = f"{describe_content(file.read(256))} of {path.stat().st_size} bytes"
        digest = file_digest(path)
    except OSError as error:
        way = "Fetch it with scripts/fetch_archive.py" if nist else "Put it there"
        raise UserError(
            f"{path}: {error.strerror}, expected the EMNIST archive (a zip file). {way}, name "
            f"another file with {key}, or set data.source to another source."
        ) from error
    if settings.sha256 is not None and digest != settings.sha256.lower():
        raise UserError(
            f"{path}: {found} with SHA-256 {digest}, expected {settings.sha256}. {remedy}"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_mapping(read_member(archive, MAPPING))
            parts = {part: _read_part(archive, part) for part in ("train", "test")}
            official_images = _count_official(archive, len(parts["test"].labels))
    except DAMAGE as error:
        raise UserError(
            f"{path}: {found} that cannot be read as a complete EMNIST archive ({error}): "
            f"truncated, damaged or the wrong file. {remedy}"
        ) from error
    except UserError as error:
        raise UserError(f"{path}: {error}. {remedy}") from error
    official = digest == OFFICIAL_SHA256
    name = "EMNIST Balanced" if official else "EMNIST Balanced-style subset"
    return RawDataset(name, parts, [path], official, official_test_images=official_images)


def _check_mapping(content: bytes) -> None:
    """Raise `UserError` unless each line has a label and the code of its character."""
    expected = [number for pair in enumerate(map(ord, CLASSES)) for number in pair]
    if content.decode(errors="replace").split() != [*map(str, expected)]:
        raise UserError(
            f"member {MAPPING} begins with {content[:50]!r}, expected the labels from 0 and the "
            f"codes of the {len(CLASSES)} classes {CLASSES!r}, one of each a line"
        )


def _count_official(archive: zipfile.ZipFile, test_images: int) -> int:
    """Number of leading images of the test file that are in the official test file."""
    if OFFICIAL_INDEX not in archive.namelist():
        return 0
    lines = read_member(archive, OFFICIAL_INDEX).split()
    positions = {int(line) for line in lines if line.isdigit()} & {*range(OFFICIAL_TEST_IMAGES)}
    if len(positions) < len(lines) or len(lines) > test_images:
        raise UserError(
            f"member {OFFICIAL_INDEX} has {len(lines)} lines, {len(positions)} of them distinct "
            f"positions, expected at most {test_images} distinct positions from 0 to "
            f"{OFFICIAL_TEST_IMAGES - 1}, one per line"
        )
    return len(positions)


def _read_part(archive: zipfile.ZipFile, part: str) -> LabelledImages:
    images_name, labels_name = IMAGES.format(part=part), LABELS.format(part=part)
    images = read_idx(images_name, read_member(archive, images_name), dimensions=3)
    labels = read_idx(labels_name, read_member(archive, labels_name), dimensions=1)
    # NIST stores the images transposed.
    upright = np.ascontiguousarray(images.transpose(0, 2, 1))
    return check_labelled_images(f"{images_name} and {labels_name}", upright, labels)


def read_split_files(settings: NpzSettings) -> RawDataset:
    """The three parts in the course's files, with the orientation of images unchanged.

    Each file has `inputs`, (N, 784), (N, 28, 28) or (N, 1, 28, 28), integers or floats from 0
    to 255 or floats from 0 to 1, and `targets`, (N,) or (N, 1), labels from 0 to 46.
    """
    files = list(map(Path, settings.files))
    parts = dict(zip(("train", "validation", "test"), map(_read_split_file, files), strict=True))
    return RawDataset("EMNIST course split files", parts, files)


def _read_split_file(path: Path) -> LabelledImages:
    try:
        inputs, targets = read_arrays(path, ("inputs", "targets")).values()
    except DAMAGE as error:
        raise UserError(
            f"{path}: expected the arrays inputs and targets; it cannot be read as an npz file "
            f"of them ({error}): missing, truncated, damaged or the wrong file. Copy it again, or "
            "name the folder of the three files with data.npz.folder."
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
