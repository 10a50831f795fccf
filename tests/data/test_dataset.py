"""From settings to a folder of data and back, in the library and by the script."""

import dataclasses
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convnets.architectures.images import CLASSES
from convnets.config.settings import DataSettings, GlyphSettings, SplitSettings, to_json
from convnets.core.errors import UserError
from convnets.data.dataset import Dataset, load_dataset, save_dataset
from convnets.data.folder import digest_of
from convnets.data.prepare import count_duplicates, prepare_dataset

SCRIPT = Path(__file__).parents[2] / "scripts" / "prepare_data.py"
SETTINGS = DataSettings(
    source="glyphs",
    split=SplitSettings(train=282, validation=94, test=94),
    glyphs=GlyphSettings(train=423, test=141),
)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare_dataset(SETTINGS)


@pytest.fixture
def folder(dataset: Dataset, tmp_path: Path) -> Path:
    save_dataset(dataset, tmp_path / "data")
    return tmp_path / "data"


def test_what_is_saved_is_loaded(dataset: Dataset, folder: Path) -> None:
    loaded = load_dataset(folder)
    assert isinstance(loaded.images, np.memmap)
    assert loaded.provenance == dataset.provenance | {"digest": digest_of(folder)}
    for part, size in (("train", 282), ("validation", 94), ("test", 94)):
        images, labels = loaded.part(part)
        assert images.shape == (size, 28, 28) and labels.shape == (size,)
        assert np.array_equal(images, dataset.images[dataset.split[part]])
        assert np.array_equal(labels, dataset.labels[dataset.split[part]])


def test_provenance(dataset: Dataset) -> None:
    provenance = dataset.provenance
    assert provenance["display_name"] == "Synthetic glyphs"
    assert provenance["official"] is False
    assert provenance["classes"] == CLASSES
    assert provenance["settings"] == {
        "source": "glyphs",
        "seed": 0,
        "split": {"train": 282, "validation": 94, "test": 94, "protocol": "leftover"},
        "glyphs": {"train": 423, "test": 141},
    }
    counts = provenance["counts"]
    assert counts["available"] == {"train": 423, "test": 141}
    assert counts["split"] == {"train": 282, "validation": 94, "test": 94}
    assert counts["per_class"]["train"] == [6] * 47
    assert provenance["duplicates"]["train_test"] == 0


def test_official_test_images_are_found_in_the_test_part(dataset: Dataset) -> None:
    assert not dataset.official_test.any()
    some = dataclasses.replace(
        dataset, provenance=dataset.provenance | {"official_test_images": 100}
    )
    assert np.array_equal(some.official_test, dataset.split["test"] < 423 + 100)
    assert 0 < some.official_test.sum() < 94


def test_split_and_glyphs_follow_from_the_seed(dataset: Dataset) -> None:
    other = prepare_dataset(dataclasses.replace(SETTINGS, seed=1))
    assert not np.array_equal(other.images, dataset.images)
    assert not np.array_equal(other.split["train"], dataset.split["train"])


def test_duplicates_are_counted_within_and_across_parts() -> None:
    kinds = np.array([0, 0, 1, 2, 1, 1, 3, 3, 3])
    images = np.broadcast_to(kinds[:, None, None].astype(np.uint8), (9, 28, 28))
    split = {"train": np.arange(4), "validation": np.arange(4, 6), "test": np.arange(6, 9)}
    assert count_duplicates(images, split) == {
        "within": {"train": 1, "validation": 1, "test": 2},
        "train_validation": 1,
        "train_test": 0,
        "validation_test": 0,
    }


def run(settings: str, output: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--settings", settings, "--output", str(output)]
    return subprocess.run([*command, *more], capture_output=True, text=True, check=False)


def test_the_script_writes_the_same_bytes_again(dataset: Dataset, tmp_path: Path) -> None:
    for name in ("first", "second"):
        result = run(to_json(SETTINGS), tmp_path / name, "--subset", "0.5")
        assert result.returncode == 0, result.stderr
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == ["images.npy", "labels.npy", "provenance.json", "split.npz"]
    for name in files:
        first, second = (tmp_path / run / name for run in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), name
    loaded = load_dataset(tmp_path / "first")
    assert loaded.provenance["counts"]["split"] == {"train": 141, "validation": 47, "test": 47}
    assert np.array_equal(loaded.images, dataset.images)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, split=SplitSettings(train=500))
    result = run(to_json(settings), tmp_path / "data")
    assert result.returncode == 1
    assert result.stderr.startswith("error: data.split.train asks for 500 images, and 423 are")
    assert not (tmp_path / "data").exists()


def test_an_interrupted_rewrite_is_no_data(
    dataset: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(KeyboardInterrupt):
        save_dataset(dataset, folder)
    with pytest.raises(UserError, match=r"no provenance\.json"):
        load_dataset(folder)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no images\.npy, labels\.npy.*prepare_data\.py"):
        load_dataset(tmp_path)


def edit_provenance(folder: Path) -> None:
    path = folder / "provenance.json"
    provenance = json.loads(path.read_text())
    provenance["counts"]["split"]["test"] += 1
    path.write_text(json.dumps(provenance))


def edit_split(folder: Path) -> None:
    with np.load(folder / "split.npz") as arrays:
        split = dict(arrays)
    split["test"][0] = split["train"][0]
    np.savez(folder / "split.npz", **split)


def truncate_images(folder: Path) -> None:
    content = (folder / "images.npy").read_bytes()
    (folder / "images.npy").write_bytes(content[:-1])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (edit_provenance, r"provenance\.json contradicts"),
        (edit_split, r"split\.npz overlap"),
        (truncate_images, "corrupt"),
        (lambda f: (f / "split.npz").write_bytes(b"PK\x03\x04"), "corrupt"),
        (
            lambda f: (f / "provenance.json").write_text("{}"),
            "damaged .official is missing; display_name",
        ),
        (lambda f: np.save(f / "labels.npy", np.zeros(3, np.uint8)), r"labels\.npy is uint8 of"),
        (lambda f: np.save(f / "images.npy", np.zeros((3, 2, 2))), r"images\.npy is float64"),
    ],
)
def test_files_that_do_not_fit_together(folder: Path, damage: Any, message: str) -> None:
    damage(folder)
    with pytest.raises(UserError, match=message):
        load_dataset(folder)


def test_no_memory_is_no_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(np, "memmap", no_room)
    with pytest.raises(MemoryError, match="cannot be mapped"):
        load_dataset(folder)
