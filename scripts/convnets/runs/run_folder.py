"""The run directory, read and checked: its files belong together, or are an error.

`run.json` has the SHA-256 of `history.csv` and `best.pt`; `test.json` has those of
`predictions.npz` and of the tested checkpoint. Both have one of their own content.
"""

import csv
import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

if TYPE_CHECKING:  # the workflow reads records where there is no NumPy
    import numpy as np

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings, parse, read_as
from convnets.core.errors import UserError
from convnets.core.files import file_digest, write_json
from convnets.core.kinds import Count, Line, Positive, Seed, Share, section

RECORD, TEST = "run.json", "test.json"
HISTORY, CHECKPOINT, PREDICTIONS = "history.csv", "best.pt", "predictions.npz"
ARRAYS = ("index", "label", "prediction")
"""Arrays of `predictions.npz`, with one number per test image."""
OWN_DIGEST = "sha256"
"""Key of a record: the SHA-256 of its other keys."""
CHANGED = "has another SHA-256 than when the run wrote it"
DIGESTS = {"files": dict[str, str], OWN_DIGEST: str}
RUN_KEYS = section(
    {
        **DIGESTS,
        **dict.fromkeys(("training", "data", "software"), dict[str, Any]),
        **dict.fromkeys(("device", "precision", "git_commit", "started", "finished"), str),
        "epochs_trained": Positive,
        "sizes": list[int],
        "arithmetic": Count,
    },
    variant=dict[str, Any],
    seed=Seed,
    device_name=Line,
    best_val_accuracy=Share,
    train_seconds=Annotated[float, Field(ge=0)],
    **dict.fromkeys(("epochs", "best_epoch"), Positive),
    **dict.fromkeys(("parameters", "multiply_adds", "receptive_field"), Count),
)
TEST_KEYS = section(
    {
        **DIGESTS,
        "per_class_accuracy": dict[str, Share | None],
        "official_test_accuracy": Share,
        "official_test_images": Count,
    },
    test_images=Positive,
    test_accuracy=Share,
    test_loss=float,
)
"""Keys of the records: first those that older records may lack, then those that all have."""


def write_record(path: Path, values: dict[str, Any], *files: str) -> None:
    """Write `values` as JSON, with the digests of `files` of the same folder and of itself."""
    digests = {name: file_digest(path.parent / name) for name in files}
    values = values | {"files": digests}
    write_json(path, values | {OWN_DIGEST: _digest(values)})


@dataclass(frozen=True)
class RunFolder:
    """The files that `train.py` and `evaluate.py` write.

    Every attribute raises `UserError` if a file is missing, damaged or of another run. Digests that
    older records lack are not compared.
    """

    path: Path

    @cached_property
    def record(self) -> dict[str, Any]:
        """The content of `run.json`."""
        return self._read(RECORD, RUN_KEYS, "train.py")

    @cached_property
    def variant(self) -> Variant:
        """The architecture."""
        return parse(Variant, self.record["variant"], f"{self.path / RECORD}: variant")

    @cached_property
    def settings(self) -> TrainingSettings:
        """The training settings."""
        values = self.record.get("training")
        return parse(TrainingSettings, values, f"{self.path / RECORD}: training")

    @cached_property
    def test(self) -> dict[str, Any]:
        """The content of `test.json`, the test of this run's checkpoint."""
        test = self._read(TEST, TEST_KEYS, "evaluate.py")
        if test.get("files", {}).get(CHECKPOINT) != self.record.get("files", {}).get(CHECKPOINT):
            raise UserError(
                f"{self.path / TEST} is the test of another checkpoint than that of {RECORD}, "
                f"expected a test of this run: delete {TEST} and give the same command again"
            )
        return test

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """The rows of `history.csv`, one per epoch, from epoch 1."""
        try:
            with self.checked(HISTORY).open(newline="", encoding="utf-8") as file:
                rows = [
                    {name: float(value) for name, value in row.items()}
                    for row in csv.DictReader(file, strict=True)
                ]
            complete = [row.get("epoch") for row in rows] == list(range(1, len(rows) + 1))
        except (csv.Error, KeyError, TypeError, ValueError) as error:
            raise self.damaged(HISTORY, f"is not a training history ({error})") from None
        if not rows or not complete or not all(map(_is_epoch, rows)):
            raise self.damaged(HISTORY, "lacks epochs or values")
        return rows

    @property
    def predictions(self) -> "dict[str, np.ndarray]":
        """The arrays `index`, `label` and `prediction` of `predictions.npz`."""
        from convnets.data.arrays import DAMAGE, read_arrays  # noqa: PLC0415

        try:
            arrays = read_arrays(self.checked(PREDICTIONS), ARRAYS)
            images = self.test["test_images"]
            if any(item.shape != (images,) or item.dtype.kind == "f" for item in arrays.values()):
                raise ValueError(f"expected three arrays of {images} whole numbers")
        except DAMAGE as error:
            raise self.damaged(PREDICTIONS, f"cannot be read ({error})") from None
        return arrays

    def problem(self) -> str:
        """The first problem with the files that later results need; empty if there is none."""
        try:
            _ = self.variant, self.settings, self.history, self.predictions
            place = (self.record["variant"]["id"], f"seed_{self.record['seed']}")
            if place != self.path.absolute().parts[-2:]:
                raise self.damaged(RECORD, f"is of {'/'.join(place)}, in another folder")
        except UserError as error:
            return str(error)
        return ""

    def checked(self, name: str) -> Path:
        """The path of a file whose digest is that in `run.json` or `test.json`."""
        record = self.test if name == PREDICTIONS else self.record
        path = self.path / name
        if not path.is_file():
            raise self.damaged(name, "is missing")
        expected = record.get("files", {}).get(name)
        if expected is not None and file_digest(path) != expected:
            raise self.damaged(name, CHANGED)
        return path

    def _read(self, name: str, keys: Any, script: str) -> dict[str, Any]:
        path = self.path / name
        if not path.is_file():
            raise UserError(
                f"{self.path} has no {name}, expected the folder of a finished run: {script} "
                "writes it"
            )
        values = read_as(keys, path, self._remedy(name))
        expected = values.pop(OWN_DIGEST, None)
        if expected is not None and _digest(values) != expected:
            raise self.damaged(name, CHANGED)
        return values

    def damaged(self, name: str, why: str) -> UserError:
        """The error for a missing or damaged file `name`, with its remedy."""
        return UserError(f"{self.path / name} {why}: {self._remedy(name)}")

    def _remedy(self, name: str) -> str:
        if name in (TEST, PREDICTIONS):
            return f"restore the file, or delete {self.path / TEST} to test the run again"
        return f"restore the file, or delete {self.path / RECORD} to make the run again"


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _is_epoch(row: dict[str, float]) -> bool:
    accuracies = [row.get(f"{part}_accuracy", -1) for part in ("train", "val")]
    known = all(0 <= value <= 1 for value in accuracies)
    return (
        known and 0 <= row.get("epoch_seconds", -1) < 1e9 and all(map(math.isfinite, row.values()))
    )
