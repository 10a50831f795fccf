"""EMNIST Balanced, read straight from the zip in the layout of the official archive.

Cohen, Afshar, Tapson, van Schaik: "EMNIST: an extension of MNIST to handwritten letters"
(2017). Nothing is extracted to disk, where an incomplete folder could look complete.
"""

import os
import zipfile
from pathlib import Path

import numpy as np

from convnets.architectures.images import CLASSES
from convnets.config.settings import (
    OFFICIAL_SHA256,
    OFFICIAL_TEST_IMAGES,
    ArchiveSettings,
    NistSettings,
)
from convnets.core.errors import UserError
from convnets.core.files import file_digest
from convnets.data.arrays import DAMAGE, read_idx, read_member
from convnets.data.source import (
    LabelledImages,
    RawDataset,
    check_labelled_images,
    describe_content,
)

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
    _check_exists(path, "Fetch it with scripts/fetch_archive.py" if nist else "Put it there", key)
    size = path.stat().st_size
    with open(path, "rb") as file:
        found = f"{describe_content(file.read(256))} of {size} bytes"
    if isinstance(settings, NistSettings) and size != settings.size:
        raise UserError(
            f"{path}: {found}, expected the official archive of {settings.size} bytes. {remedy}"
        )
    digest = file_digest(path)
    if settings.sha256 is not None and digest != settings.sha256.lower():
        raise UserError(
            f"{path}: SHA-256 {digest}, expected {settings.sha256}; it is {found}. {remedy}"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_mapping(_read_member(archive, MAPPING))
            parts = {part: _read_part(archive, part) for part in ("train", "test")}
            official_images = _count_official(archive, len(parts["test"].labels))
    except DAMAGE as error:
        raise UserError(
            f"{path}: {found} that cannot be read as a complete zip archive ({error}): truncated, "
            f"damaged or the wrong file. {remedy}"
        ) from error
    except UserError as error:
        raise UserError(f"{path}: {error}. {remedy}") from error
    official = digest == OFFICIAL_SHA256
    name = "EMNIST Balanced" if official else "EMNIST Balanced-style subset"
    return RawDataset(name, parts, [path], official, official_test_images=official_images)


def _check_exists(path: Path, remedy: str, key: str) -> None:
    if not path.is_file() or not os.access(path, os.R_OK):
        found = "no such file"
        if path.exists():
            found = "not a file" if path.is_dir() else "no permission to read it"
        raise UserError(
            f"{path}: {found}, expected the EMNIST archive (a zip file). {remedy}, name another "
            f"file with {key}, or set data.source to another source."
        )


def _read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return read_member(archive, name)
    except KeyError:
        others = archive.namelist()
        raise UserError(
            f"no member {name} in this zip, which has {len(others)} others "
            f"({', '.join(others[:3])}{', ...' if len(others) > 3 else ''})"
        ) from None
    except DAMAGE as error:
        raise UserError(f"member {name} is damaged ({error})") from error


def _check_mapping(content: bytes) -> None:
    """Raise `UserError` unless the labels have the classes of EMNIST Balanced.

    The mapping file has one line per class: label, space, code of the character.
    """
    try:
        pairs = [tuple(map(int, line.split())) for line in content.decode("ascii").splitlines()]
        classes = "".join(chr(code) for _, code in pairs)
    except ValueError as error:
        raise UserError(
            f"member {MAPPING} is not a mapping of labels to codes ({error})"
        ) from error
    if [label for label, _ in pairs] != list(range(len(pairs))) or classes != CLASSES:
        raise UserError(
            f"member {MAPPING} has {len(classes)} classes {classes[:99]!r}, expected the "
            f"{len(CLASSES)} classes {CLASSES!r} with labels from 0"
        )


def _count_official(archive: zipfile.ZipFile, test_images: int) -> int:
    """Number of leading images of the test file that are in the official test file."""
    if OFFICIAL_INDEX not in archive.namelist():
        return 0
    lines = _read_member(archive, OFFICIAL_INDEX).split()
    positions = {int(line) for line in lines if line.isdigit()}
    if len(positions) < len(lines) or len(lines) > test_images:
        raise UserError(
            f"member {OFFICIAL_INDEX} has {len(lines)} lines, {len(positions)} of them distinct "
            f"positions, expected at most {test_images} distinct positions, one per line"
        )
    if max(positions, default=0) >= OFFICIAL_TEST_IMAGES:
        raise UserError(
            f"member {OFFICIAL_INDEX} has position {max(positions)}, expected positions from 0 to "
            f"{OFFICIAL_TEST_IMAGES - 1}"
        )
    return len(positions)


def _read_part(archive: zipfile.ZipFile, part: str) -> LabelledImages:
    images_name, labels_name = IMAGES.format(part=part), LABELS.format(part=part)
    images = read_idx(images_name, _read_member(archive, images_name), dimensions=3)
    labels = read_idx(labels_name, _read_member(archive, labels_name), dimensions=1)
    # NIST stores the images transposed.
    upright = np.ascontiguousarray(images.transpose(0, 2, 1))
    return check_labelled_images(f"{images_name} and {labels_name}", upright, labels)
