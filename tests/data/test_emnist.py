"""Reading an archive in the official layout, and every way in which it can be wrong."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convnets.architectures.images import CLASSES
from convnets.config.settings import ArchiveSettings, NistSettings
from convnets.core.errors import UserError
from convnets.core.files import file_digest
from convnets.data import emnist
from convnets.data.emnist import MAPPING, OFFICIAL_INDEX, read_archive
from convnets.data.source import RawDataset
from convnets.data.torchvision_sets import datasets
from emnist_archive import (
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    idx,
    images_and_labels,
    members,
    write_zip,
)

OTHER_SHA256 = "0" * 64


def read(path: Path) -> RawDataset:
    return read_archive(ArchiveSettings(str(path)))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_zip(tmp_path / "emnist.zip", members())


def test_images_are_turned_upright(archive: Path) -> None:
    source = read(archive)
    stored, labels = images_and_labels(141, 1)
    assert np.array_equal(source.parts["train"].images, stored.transpose(0, 2, 1))
    assert np.array_equal(source.parts["train"].labels, labels)
    assert len(source.parts["test"].labels) == 47


def test_only_the_official_checksum_is_called_emnist_balanced(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subset = read(archive)
    assert (subset.display_name, subset.official) == ("EMNIST Balanced-style subset", False)
    nist = NistSettings(path=str(archive), size=archive.stat().st_size, sha256=file_digest(archive))
    assert not read_archive(nist).official  # expected by the user, but not official
    monkeypatch.setattr(emnist, "OFFICIAL_SHA256", file_digest(archive))
    official = read(archive)
    assert (official.display_name, official.official) == ("EMNIST Balanced", True)
    assert read_archive(nist).official


def test_torchvision_names_the_same_classes() -> None:
    assert "".join(datasets.EMNIST.classes_split_dict["balanced"]) == CLASSES


def test_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.zip: No such file.*data\.archive\.path"):
        read(tmp_path / "none.zip")
    with pytest.raises(UserError, match=r"Is a directory, expected the EMNIST archive"):
        read(tmp_path)
    with pytest.raises(UserError, match=r"No such file.*fetch_archive\.py"):
        read_archive(NistSettings(path=str(tmp_path / "none.zip")))


def test_official_archive_of_wrong_size_or_content(archive: Path) -> None:
    found = f"a zip file of {archive.stat().st_size} bytes with SHA-256 {file_digest(archive)}"
    with pytest.raises(UserError, match=f"{found}, expected fb9bb67e"):
        read_archive(NistSettings(path=str(archive)))


def test_local_archive_with_another_checksum(archive: Path) -> None:
    with pytest.raises(UserError, match=r"SHA-256 .*, expected 0000"):
        read_archive(ArchiveSettings(str(archive), OTHER_SHA256))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<!DOCTYPE html><html>moved</html>", "an HTML or XML page of 33 bytes"),
        (b"", "an empty file of 0 bytes"),
        (b"\x89PNG....", "a file that begins with"),
    ],
)
def test_not_a_zip(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "emnist.zip"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{found}.*wrong file"):
        read(path)


@pytest.mark.parametrize("kept", [0.3, 0.99])
def test_truncated_zip(archive: Path, kept: float) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(
        UserError, match=r"a zip file of \d+ bytes that cannot be read as a complete"
    ):
        read(archive)


def test_changed_byte_fails_the_crc(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"cannot be read .*CRC-32 for file 'gzip/"):
        read(archive)


@settings(max_examples=60, deadline=None)
@given(position=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_a_changed_byte_is_noticed_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, position: float, change: int
) -> None:
    path = write_zip(tmp_path_factory.mktemp("fuzz") / "emnist.zip", small_members())
    expected = read(path)
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= change
    path.write_bytes(content)
    try:
        found = read(path)
    except UserError:
        return
    for part, arrays in expected.parts.items():
        assert np.array_equal(found.parts[part].images, arrays.images)
        assert np.array_equal(found.parts[part].labels, arrays.labels)


def small_members() -> dict[str, bytes]:
    """Empty images, which compress to little: most bytes are those of the zip's structure."""
    images, labels = np.zeros((47, 28, 28), np.uint8), np.arange(47, dtype=np.uint8)
    return members() | {
        TRAIN_IMAGES: idx(images), TRAIN_LABELS: idx(labels),
        TEST_IMAGES: idx(images), TEST_LABELS: idx(labels),
    }  # fmt: skip


IMAGES, LABELS = images_and_labels(141, 1)
WRONG_MEMBERS = {
    "bad magic": (TRAIN_IMAGES, idx(IMAGES, magic=2052), "magic number 2052, expected 2051"),
    "labels in place of images": (
        TRAIN_IMAGES,
        idx(IMAGES.reshape(-1)),
        "magic number 2049, expected 2051",
    ),
    "truncated gzip": (TRAIN_IMAGES, idx(IMAGES)[:-50], "truncated or damaged gzip"),
    "no gzip": (TRAIN_LABELS, b"labels", "truncated or damaged gzip"),
    "short header": (TRAIN_LABELS, gzip.compress(b"\0\0\x08\x01"), "requires a buffer of 8"),
    "short data": (
        TRAIN_LABELS,
        gzip.compress(struct.pack(">2I", 2049, 141) + b"\0" * 140),
        "140 bytes after the header, expected 141",
    ),
    "dimensions": (TRAIN_IMAGES, idx(IMAGES[:, :27, :27]), "27 x 27 pixels, expected 28 x 28"),
    "label range": (TRAIN_LABELS, idx(np.append(LABELS[1:], np.uint8(47))), "label 47"),
    "counts": (TRAIN_LABELS, idx(LABELS[:-1]), "141 images but 140 labels"),
    "missing class": (TRAIN_LABELS, idx(np.where(LABELS == 3, 4, LABELS).astype(np.uint8)),
                      "no image of 3"),
    "no images": (TRAIN_IMAGES, idx(IMAGES[:0]), "0 images but 141 labels"),
    "no mapping": (MAPPING, b"<html>", "begins with b'<html>', expected the labels from 0"),
    "other mapping": (MAPPING, b"0 48\n1 49\n", "begins with b'0 48.*codes of the 47 classes"),
    "shifted mapping": (
        MAPPING,
        "".join(f"{i} {ord(c)}\n" for i, c in enumerate(CLASSES, 1)).encode(),
        "begins with b'1 48.*expected the labels from 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_MEMBERS)
def test_wrong_member(tmp_path: Path, case: str) -> None:
    name, content, message = WRONG_MEMBERS[case]
    path = write_zip(tmp_path / "emnist.zip", members() | {name: content})
    with pytest.raises(UserError, match=message) as error:
        read(path)
    assert name in str(error.value) and str(path) in str(error.value)
    assert "Remove it and fetch or copy it again" in str(error.value)


@pytest.mark.parametrize("name", members())
def test_missing_member(tmp_path: Path, name: str) -> None:
    contents = members()
    del contents[name]
    path = write_zip(tmp_path / "emnist.zip", contents)
    with pytest.raises(UserError, match=f"EMNIST archive .*no item named '{name}' in the archive"):
        read(path)


def test_official_test_images_are_counted(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "emnist.zip", members() | {OFFICIAL_INDEX: b"0\n7\n18799\n"})
    assert read(path).official_test_images == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"3\n3\n", "has 2 lines, 1 of them distinct positions"),
        (b"3\nx\n", "has 2 lines, 1 of them distinct positions"),
        (b"18800\n", "has 1 lines, 0 of them distinct positions, .* from 0 to 18799"),
        (
            "".join(f"{n}\n" for n in range(48)).encode(),
            "has 48 lines.*at most 47 distinct",
        ),
    ],
)
def test_wrong_positions_of_official_test_images(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = write_zip(tmp_path / "emnist.zip", members() | {OFFICIAL_INDEX: content})
    with pytest.raises(UserError, match=f"member {OFFICIAL_INDEX} {message}"):
        read(path)


@pytest.mark.archive
@pytest.mark.skipif(
    "EMNIST_ARCHIVE" not in os.environ, reason="EMNIST_ARCHIVE names no real archive"
)
def test_real_archive() -> None:
    source = read(Path(os.environ["EMNIST_ARCHIVE"]))
    assert source.official_test_images == (0 if source.official else 4380)
    train = source.parts["train"]
    # Upright, a 7 has its bar on top and an L its bar at the bottom.
    for character, darker in (("7", slice(0, 14)), ("L", slice(14, 28))):
        images = train.images[train.labels == CLASSES.index(character)]
        assert images[:, darker].mean() > images.mean()
