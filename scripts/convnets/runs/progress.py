"""The progress of a run: its epochs, when it ends, and the file that reports it.

Standard library only, so that `make status` starts at once on any machine that sees the files.
"""

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from convnets.core.errors import Interrupted, UserError
from convnets.core.files import write_json

PROGRESS = "progress.json"
RECENT = 5
"""Number of epochs over which the speed of a run is averaged."""
MOST = 10**15
"""The largest number that status takes for one; damaged files have larger ones."""


@dataclass(frozen=True)
class Epoch:
    """One row of `history.csv`.

    Losses are means over images, accuracies fractions. Training values are measured while the
    weights change; the seconds include training and validation.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    epoch_seconds: float


def last_epoch(val_accuracies: Iterable[float], epochs: int, patience: int | None) -> int | None:
    """The epoch after which a run with these validation accuracies ends; None if it continues.

    A run ends after `epochs` epochs, or earlier (early stopping) when its best accuracy (the
    earliest, on a tie) is `patience` epochs old.
    """
    best, best_epoch = float("-inf"), 0
    for epoch, accuracy in enumerate(val_accuracies, start=1):
        if accuracy > best:
            best, best_epoch = accuracy, epoch
        if epoch >= epochs or (patience is not None and epoch - best_epoch >= patience):
            return epoch
    return None


@dataclass(frozen=True)
class Progress:
    """The progress of the training of a run. None marks an unknown value."""

    epochs: int | None
    """Number of requested epochs."""
    state: str = "running"
    """running, waiting (for a GPU), interrupted, failed or done."""
    reason: str = ""
    """Explanation of the state, such as why the run failed."""
    epoch: int = 0
    """Number of finished epochs."""
    best_epoch: int | None = None
    best_val_accuracy: float | None = None
    epoch_seconds: float | None = None
    """Mean time of the last epochs in seconds, validation included."""

    def after(self, history: Sequence[Epoch]) -> "Progress":
        """The progress of a running training that has finished the epochs of `history`."""
        if not history:
            return Progress(self.epochs)
        best = max(history, key=lambda row: row.val_accuracy)
        seconds = fmean(row.epoch_seconds for row in history[-RECENT:])
        values = (len(history), best.epoch, best.val_accuracy, seconds)
        return Progress(self.epochs, "running", "", *values)


class ProgressFile:
    """`progress.json` in the directory of a run; as a context, it records how its block ends."""

    def __init__(self, folder: Path, epochs: int) -> None:
        self._path = folder / PROGRESS
        self._progress = read_progress(self._path, []) or Progress(epochs)
        self.update(epochs=epochs, state="running", reason="")

    def __enter__(self) -> "ProgressFile":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.update(state="done", reason="")
            return
        state, cause = "failed", "error" if isinstance(error, UserError) else type(error).__name__
        reason = " ".join(f"{cause}: {error}".split())
        if isinstance(error, Interrupted | KeyboardInterrupt):
            state, reason = "interrupted", f"interrupted by {str(error) or 'SIGINT'}"
        with contextlib.suppress(OSError, UserError):  # the disk may be full
            self.update(state=state, reason=reason)

    def set_history(self, history: Sequence[Epoch]) -> None:
        """Report that the run continues after the epochs of `history`."""
        self.update(**vars(self._progress.after(history)))

    def update(self, **changes: Any) -> None:
        """Report the progress with other values of some fields."""
        self._progress = dataclasses.replace(self._progress, **changes)
        write_json(self._path, dataclasses.asdict(self._progress))


def read_progress(path: Path, problems: list[str]) -> Progress | None:
    """The progress in a `progress.json`; None if the file is missing or damaged."""
    values = read_object(path, problems)
    found = {name: as_number(values.get(name), int) for name in ("epochs", "epoch", "best_epoch")}
    found |= {name: as_number(values.get(name)) for name in ("best_val_accuracy", "epoch_seconds")}
    found |= {"state": str(values.get("state", "running")), "reason": str(values.get("reason", ""))}
    if None not in (found["epochs"], found["epoch"]):
        return Progress(**found)
    if values:
        problems.append(f"{path.name} is damaged")
    return None


def read_object(path: Path, problems: list[str]) -> dict[str, Any]:
    """The object in a JSON file; empty if it is missing, or damaged, which adds to `problems`."""
    try:
        values = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        problems.append(f"{path.name} cannot be read ({error.strerror})")
        return {}
    except (ValueError, RecursionError):
        values = None
    if isinstance(values, dict):
        return values
    problems.append(f"{path.name} is damaged")
    return {}


def as_number(value: Any, kind: Any = int | float) -> Any:
    """A number of this kind, up to `MOST`, as it is; anything else as None."""
    return value if isinstance(value, kind) and abs(value) <= MOST else None
