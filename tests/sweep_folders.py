"""Made-up folders of sweeps, for the tests of scripts/status.py."""

import dataclasses
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from convnets.runs.progress import Epoch, Progress
from convnets.runs.status import QUIET_SECONDS, RunStatus, read_sweep

HERE = socket.gethostname()
OLD = 10 * QUIET_SECONDS


def row(number: int, accuracy: float, seconds: float = 2) -> Epoch:
    return Epoch(number, 1.0, 0.3, 1.1, accuracy, seconds)


def progress(
    *accuracies: float,
    state: str = "running",
    reason: str = "",
    seconds: float = 2,
    epochs: int = 10,
) -> str:
    """A `progress.json` of a run with these validation accuracies."""
    rows = [row(number, value, seconds) for number, value in enumerate(accuracies, 1)]
    values = dataclasses.replace(Progress(epochs).after(rows), state=state, reason=reason)
    return json.dumps(dataclasses.asdict(values))


def holder(host: str, pid: int = 1) -> str:
    return json.dumps({"pid": pid, "host": host, "started": "2026-11-23T14:13:45+00:00"})


def write_run(
    sweep: Path, files: dict[str, str], variant: str = "small", seed: int = 0, age: float = 0.0
) -> Path:
    """Write the files of a run in their order in time, the last one `age` seconds ago."""
    folder = sweep / "runs" / variant / f"seed_{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    for place, (name, text) in enumerate(files.items(), 1):
        (folder / name).write_text(text)
        moment = time.time() - age - len(files) + place
        os.utime(folder / name, (moment, moment))
    return folder


def write_plan(sweep: Path, costs: dict[str, int], epochs: int = 10) -> None:
    runs = [{"variant": name, "seed": 0, "multiply_adds": cost} for name, cost in costs.items()]
    sweep.mkdir(exist_ok=True)
    (sweep / "plan.json").write_text(json.dumps({"epochs": epochs, "runs": runs}))


def only(sweep: Path) -> RunStatus:
    (run,) = read_sweep(sweep).runs
    return run


def made_up(variant: str, state: str, left: float | None, **values: Any) -> RunStatus:
    none: dict[str, Any] = dict.fromkeys(
        ("epochs", "best_val_accuracy", "best_epoch", "epoch_seconds", "test_accuracy")
    )
    rest = none | {"seed": 0, "epoch": 0, "reason": "", "damaged": ()} | values
    return RunStatus(variant=variant, state=state, seconds_left=left, **rest)


AWAY = holder("elsewhere")
ATTEMPT = {".lock": AWAY, "state.1.pt": "", "progress.json": progress(0.5, 0.6)}
"""The files of a run at work on another machine, in the order of their times."""
