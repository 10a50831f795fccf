"""The course's split files."""

from pathlib import Path

import numpy as np
import pytest

from convnets.config.settings import NpzSettings
from convnets.core.errors import UserError
from convnets.data.emnist import read_split_files

IMAGES = np.random.default_rng(3).integers(0, 256, (94, 28, 28), dtype=np.uint8)
LABELS = np.arange(94) % 47


def write_files(folder: Path, inputs: np.ndarray = IMAGES, targets: np.ndarray = LABELS) -> None:
    for file in NpzSettings(str(folder)).files:
        np.savez(file, inputs=inputs, targets=targets)


@pytest.mark.parametrize(
    "inputs",
    [
        IMAGES,
        IMAGES.reshape(94, 784),
        IMAGES.reshape(94, 1, 28, 28).astype(np.int64),
        IMAGES.astype(np.float32),
        IMAGES.astype(np.float32) / 255,
    ],
    ids=["uint8", "flat", "channel", "float", "scaled"],
)
def test_all_forms_of_inputs_give_the_same_images(tmp_path: Path, inputs: np.ndarray) -> None:
    write_files(tmp_path, inputs, LABELS.astype(np.int64).reshape(-1, 1))
    source = read_split_files(NpzSettings(str(tmp_path)))
    assert list(source.parts) == ["train", "validation", "test"]
    assert not source.official
    for images, labels in source.parts.values():
        assert images.dtype == labels.dtype == np.uint8
        assert np.array_equal(images, IMAGES) and np.array_equal(labels, LABELS)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (IMAGES[:, :27], LABELS, "inputs of shape"),
        (IMAGES.astype(float) - 1, LABELS, "from -1.0 to 254"),
        (np.full((94, 784), np.nan), LABELS, "from nan"),
        (IMAGES, LABELS + 1, "label 47"),
        (IMAGES, LABELS - 1, "whole numbers from 0"),
        (IMAGES, LABELS + 0.5, "whole numbers from 0"),
        (IMAGES, np.eye(94, 47), "whole numbers from 0, one per image"),
        (IMAGES, LABELS[:-1], "94 images but 93 labels"),
    ],
)
def test_wrong_arrays(
    tmp_path: Path, inputs: np.ndarray, targets: np.ndarray, message: str
) -> None:
    write_files(tmp_path, inputs, targets)
    with pytest.raises(UserError, match=message):
        read_split_files(NpzSettings(str(tmp_path)))


def test_wrong_files(tmp_path: Path) -> None:
    write_files(tmp_path)
    path = tmp_path / "emnist-valid.npz"
    content = path.read_bytes()
    np.savez(path, images=IMAGES)
    with pytest.raises(UserError, match=r"expected the arrays inputs and targets"):
        read_split_files(NpzSettings(str(tmp_path)))
    for wrong in (content[:-1000], b"<html></html>", b""):
        path.write_bytes(wrong)
        with pytest.raises(UserError, match=r"cannot be read as an npz file"):
            read_split_files(NpzSettings(str(tmp_path)))
    path.unlink()
    with pytest.raises(UserError, match=r"emnist-valid\.npz: .*No such file.*data\.npz\.folder"):
        read_split_files(NpzSettings(str(tmp_path)))
