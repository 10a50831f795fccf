"""Made-up folders of sweeps, for the tests of scripts/status.py."""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from convnets.runs.status import QUIET_SECONDS, Run, read_sweep

BEGUN = "2026-11-23T14:13:45+00:00 small, seed 0: 270,656 parameters, Synthetic, CPU, float32\n"
HERE = socket.gethostname()
OLD = 10 * QUIET_SECONDS


def epoch_line(epoch: int, accuracy: float = 0.5, seconds: float = 2.0, epochs: int = 10) -> str:
    return (
        f"epoch {epoch:3d}/{epochs}  train loss 1.4678 acc 0.5208  validation loss 1.5912 "
        f"acc {accuracy:.4f}  {seconds:.1f} s  best {accuracy:.4f} at {epoch}  about 0.2 min left\n"
    )


def epoch_lines(last: int, **values: float) -> str:
    return "".join(epoch_line(epoch, **values) for epoch in range(1, last + 1))  # type: ignore[arg-type]


def history(*accuracies: float, seconds: float = 2.0) -> str:
    rows = [f"{n},1.0,0.3,1.1,{value},{seconds}\n" for n, value in enumerate(accuracies, 1)]
    return "epoch,train_loss,train_accuracy,val_loss,val_accuracy,epoch_seconds\n" + "".join(rows)


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


def only(sweep: Path) -> Run:
    (run,) = read_sweep(sweep).runs
    return run


def made_up(variant: str, state: str, left: float | None, **values: Any) -> Run:
    none: dict[str, Any] = dict.fromkeys(
        ("epochs", "best_val_accuracy", "best_epoch", "epoch_seconds", "test_accuracy")
    )
    rest = none | {"seed": 0, "epoch": 0, "reason": "", "damaged": ()} | values
    return Run(variant=variant, state=state, seconds_left=left, **rest)


AWAY = holder("elsewhere")
ATTEMPT = {".lock": AWAY, "history.csv": history(0.5, 0.6), "state.1.pt": "", "train.log": BEGUN}
"""The files of a run at work on another machine, in the order of their times."""
