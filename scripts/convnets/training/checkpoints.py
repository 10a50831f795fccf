"""The training state of a run, from which it continues to the same bits, and its two files."""

import csv
import dataclasses
import hashlib
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from convnets.core.errors import UserError
from convnets.core.files import atomic_write, write_text
from convnets.runs.identity import differences
from convnets.runs.progress import Epoch, last_epoch
from convnets.runs.run_folder import CHECKPOINT, RunFolder

NAMES = ("state.0.pt", "state.1.pt")


@dataclass
class TrainingState:
    """The state of a run between two steps. The order of images follows from seed and epoch."""

    belongs_to: dict[str, Any]
    """The identity and the plan of the run, which together determine every bit."""
    network: dict[str, Tensor] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    best_network: dict[str, Tensor] = field(default_factory=dict)
    history: list[Epoch] = field(default_factory=list)
    step: int = 0
    """Finished steps of the current epoch, the one after those in `history`."""
    losses: Tensor = field(default_factory=lambda: torch.zeros(0))
    """Mean loss of each of these steps, float32 (step,)."""
    corrects: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    """Images classified correctly in each of these steps, int64 (step,)."""
    seconds: float = 0.0
    """Time of the current epoch so far."""
    attempts: list[dict[str, Any]] = field(default_factory=list)
    """Start, device, software and first step of each process that trained."""
    finished: str = ""
    """Time when all epochs were done and all outputs written; empty before."""

    @property
    def best(self) -> Epoch:
        """The epoch with the best validation accuracy, the earliest on a tie."""
        return max(self.history, key=lambda row: row.val_accuracy)

    def last_epoch(self, epochs: int, patience: int | None) -> int | None:
        """The epoch after which the run ends; None if it continues (`convnets.runs.progress`)."""
        return last_epoch((row.val_accuracy for row in self.history), epochs, patience)

    @property
    def progress(self) -> tuple[int, int, bool]:
        """Finished epochs and steps, and whether the run is finished, to compare two states."""
        return len(self.history), self.step, bool(self.finished)

    @property
    def position(self) -> str:
        """The progress in words."""
        done = len(self.history)
        return f"after step {self.step} of epoch {done + 1}" if self.step else f"after epoch {done}"

    def begin_attempt(self, attempt: dict[str, Any], log: Callable[[str], None]) -> None:
        """Record that another process trains; warn if its bits may differ."""
        last = self.attempts[-1] if self.attempts else attempt
        before, now = (
            {key: values[key] for key in ("device_name", "software")} for values in (last, attempt)
        )
        if changes := "; ".join(differences(before, now)):
            log(
                "warning: the run began elsewhere; its bits may differ from those of an "
                f"uninterrupted one ({changes})"
            )
        first = {"from_epoch": len(self.history) + 1, "from_step": self.step}
        self.attempts.append(attempt | first)
        self.finished = ""

    def write_history(self, path: Path) -> None:
        """Write `history.csv`, one row per epoch."""
        text = io.StringIO()
        names = [item.name for item in dataclasses.fields(Epoch)]
        csv.writer(text).writerows([names, *map(dataclasses.astuple, self.history)])
        write_text(path, text.getvalue())

    def epoch_line(self, epochs: int, patience: int | None) -> str:
        """The line of train.log about the last epoch."""
        row, best = self.history[-1], self.best
        left = (epochs - row.epoch) * sum(r.epoch_seconds for r in self.history) / row.epoch
        return (
            f"epoch {row.epoch:3d}/{epochs}"
            f"  train loss {row.train_loss:.4f} acc {row.train_accuracy:.4f}"
            f"  validation loss {row.val_loss:.4f} acc {row.val_accuracy:.4f}"
            f"  {row.epoch_seconds:.1f} s  best {best.val_accuracy:.4f} at {best.epoch}"
            f"  {'about' if patience is None else 'at most'} {left / 60:.1f} min left"
        )


class Checkpoints:
    """The two files of a run's state, written in turn. Their first lines are SHA-256 digests."""

    def __init__(self, folder: Path, log: Callable[[str], None]) -> None:
        self.folder, self.log = folder, log
        self.paths = [folder / name for name in NAMES]
        self._newest = 1

    @property
    def newest(self) -> Path:
        """The file that was written or read last."""
        return self.paths[self._newest]

    def save(self, state: TrainingState) -> None:
        """Write `state` over the older of the two files."""
        payload = to_bytes(vars(state) | {"history": list(map(dataclasses.asdict, state.history))})
        older = 1 - self._newest
        with atomic_write(self.paths[older]) as file:
            file.write(_header(payload))
            file.write(payload)
        self._newest = older

    def resume(
        self, belongs_to: dict[str, Any], epochs: int, device: str, patience: int | None = None
    ) -> TrainingState:
        """The most advanced intact state, or a new one if there is none.

        A run continues with the kernels that it began with, even if `belongs_to` has others. The
        state of another, finished run is deleted: its record was removed to replace the run.

        Raises:
            UserError: all files are damaged, or the state is that of another, unfinished run.
        """
        states, damages = {}, []
        files = " and ".join(path.name for path in self.paths if path.exists())
        start_over = f"delete {files} in {self.folder} to start over"
        for slot, path in enumerate(self.paths):
            try:
                states[slot] = read_state(path, device)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                damages.append(f"{path} is damaged ({error})")
        if not states and damages:
            raise UserError(
                f"{'; '.join(damages)}. No intact state is left: restore one of the files, or "
                f"{start_over}"
            )
        if not states:
            return TrainingState(belongs_to)
        self._newest = max(states, key=lambda slot: states[slot].progress)
        state = states[self._newest]
        if damages:
            self.log(
                f"warning: {'; '.join(damages)}. Continuing {state.position}, from "
                f"{self.newest.name}: the steps between the two saves are repeated"
            )
        begun = {key: value for key, value in state.belongs_to.items() if key == "kernels"}
        problems = list(differences(state.belongs_to, belongs_to | begun))
        end = state.last_epoch(epochs, patience)
        if end is not None and (len(state.history), state.step) > (end, 0):
            problems.append(f"epochs: {state.position} -> ends after epoch {end}")
        if not problems:
            self.log(f"resumed {state.position}, from {self.newest}")
            return state
        changes = "".join(f"\n  {problem}" for problem in problems)
        if not state.finished:
            raise UserError(
                f"{self.newest} ({state.position}) is of a run with other settings:{changes}\n"
                f"Restore them to continue, or {start_over}"
            )
        self.log(f"the finished run in {self.folder} had other settings: starting over{changes}")
        for path in self.paths:
            path.unlink(missing_ok=True)
        return TrainingState(belongs_to)

    def finish(self, state: TrainingState) -> None:
        """Save the state of a finished run, which more epochs continue; delete the other file."""
        self.save(state)
        self.paths[1 - self._newest].unlink(missing_ok=True)


def read_state(path: Path, device: str) -> TrainingState:
    """The state in `path`. Raises `ValueError` if it is damaged."""
    header, newline, payload = path.read_bytes().partition(b"\n")
    if header + newline != _header(payload):
        raise ValueError("the SHA-256 in its first line is not that of its content")
    try:
        values = torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
        history = [Epoch(**row) for row in values["history"]]
        return TrainingState(**values | {"history": history})
    except (pickle.UnpicklingError, TypeError, LookupError) as error:
        raise ValueError(f"it is not a state: {error}".partition("\n")[0]) from error


def load_checkpoint(run: RunFolder, device: str) -> dict[str, Tensor]:
    """The weights of a run's best checkpoint. Raises `UserError` if it is damaged."""
    path = run.checked(CHECKPOINT)
    try:
        weights: dict[str, Tensor]
        weights = torch.load(path, map_location=device, weights_only=True)["network"]
        finite = all(torch.isfinite(tensor).all() for tensor in weights.values())
    except (RuntimeError, pickle.UnpicklingError, TypeError, LookupError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise run.damaged(CHECKPOINT, f"is not a checkpoint ({reason})") from None
    if not finite:
        raise run.damaged(CHECKPOINT, "contains weights that are not finite")
    return weights


def to_bytes(value: Any) -> bytes:
    """Tensors and plain values as `torch.save` writes them."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _header(payload: bytes) -> bytes:
    return f"sha256 {hashlib.sha256(payload).hexdigest()}\n".encode()
