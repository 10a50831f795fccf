"""The status of a sweep, read from the files of its runs.

Nothing is written and no lock is taken: even a short lock could stop a run that is starting.
Standard library only, so that it starts at once on any machine that sees the folder.
"""

import contextlib
import dataclasses
import heapq
import os
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from convnets.core.errors import UserError
from convnets.core.files import LOCK
from convnets.runs.progress import MOST, PROGRESS, Progress, as_number, read_object, read_progress

STATES = ("done", "running", "waiting", "interrupted", "failed")
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
"""Pattern of variant ids (`kinds.Name`, which needs pydantic)."""
SIGNS = (LOCK, PROGRESS, "state.0.pt", "state.1.pt")
"""Files whose modification times show that a run is being trained."""
QUIET_SECONDS = 300.0
"""A run on another machine that touched no file for this long counts as interrupted.

Training saves every minute (`training.SAVE_SECONDS`); only validation can take longer.
"""
LONGEST = 1e11
"""Seconds; what ends later has no date."""
Costs = dict[tuple[str, int], int]
"""Multiply-adds for classifying an image, by variant and seed of a planned run."""


@dataclass(frozen=True, kw_only=True)
class RunStatus(Progress):
    """Status of one run: its progress in one of `STATES`. None marks an unknown value."""

    variant: str
    seed: int
    test_accuracy: float | None
    damaged: tuple[str, ...]
    """Files that could not be read, each with the problem."""
    seconds_left: float | None = None
    """Training time still needed."""


@dataclass(frozen=True)
class SweepStatus:
    """Status of all runs of a sweep."""

    folder: Path
    runs: list[RunStatus]
    seconds_left: float | None
    """Time until all but the failed runs are done, with as many runs side by side as now."""
    planned: bool
    """Whether `plan.json` lists the runs, also those that have not begun."""
    notes: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """Number of runs by state."""
        return {state: sum(run.state == state for run in self.runs) for state in STATES}


def read_sweep(folder: Path) -> SweepStatus:
    """The status of a sweep, from its folder. Raises `UserError` if there is no such folder."""
    if not folder.is_dir():
        sweeps = sorted(path.parent.name for path in folder.parent.glob("*/runs"))
        raise UserError(
            f"there is no folder {folder}; sweeps in {folder.parent}: {', '.join(sweeps) or 'none'}"
            ". Give the folder results/NAME, where NAME is run_name of the configuration"
        )
    notes: list[str] = []
    epochs, costs = _read_plan(folder / "plan.json", notes)
    names = ("/".join(path.parts[-2:]) for path in folder.glob("runs/*/seed_*/"))
    matches = (re.fullmatch(rf"({NAME})/seed_([0-9]{{1,10}})", name) for name in names)
    found = {(match[1], int(match[2])) for match in matches if match}
    if costs and (others := len(found - costs.keys())):
        notes.append(f"runs left out because they are not in the plan: {others}")
    runs = [
        read_run(folder / "runs" / variant / f"seed_{seed}", variant, seed, epochs)
        for variant, seed in sorted(costs or found, key=natural)
    ]
    runs = [dataclasses.replace(run, seconds_left=_time_left(run, runs, costs)) for run in runs]
    return SweepStatus(folder, runs, time_to_end(runs), bool(costs), notes)


def read_run(folder: Path, variant: str, seed: int, epochs: int | None) -> RunStatus:
    """The status of one run without its time left; `folder` may be missing."""
    damaged: list[str] = []
    if (folder / "run.json").exists():
        progress = _finished(read_object(folder / "run.json", damaged))
        test = read_object(folder / "test.json", damaged)
    else:
        found, test = read_progress(folder / PROGRESS, damaged), {}
        state, reason = _state(folder, found)
        progress = dataclasses.replace(found or Progress(epochs), state=state, reason=reason)
    return RunStatus(
        variant=variant,
        seed=seed,
        test_accuracy=as_number(test.get("test_accuracy")),
        damaged=tuple(damaged),
        **vars(progress),
    )


def _finished(record: dict[str, Any]) -> Progress:
    """The progress of a finished run, from its `run.json`."""
    keys = ("epochs_trained", "epochs", "best_epoch")
    trained, requested, best_epoch = (as_number(record.get(key), int) for key in keys)
    seconds, epochs = as_number(record.get("train_seconds")), trained or requested
    mean = seconds / epochs if seconds and epochs else None
    best = as_number(record.get("best_val_accuracy"))
    return Progress(epochs, "done", "", epochs or 0, best_epoch, best, mean)


def _state(folder: Path, progress: Progress | None) -> tuple[str, str]:
    """State of an unfinished run, and its explanation."""
    if progress is None or progress.state == "done":  # the record was deleted to train again
        return "waiting", ""
    if progress.state in ("interrupted", "failed"):
        return progress.state, progress.reason
    stats = {name: (folder / name).stat() for name in SIGNS if (folder / name).exists()}
    quiet = time.time() - max(status.st_mtime for status in stats.values())
    holder = read_object(folder / LOCK, [])
    works = quiet < QUIET_SECONDS
    if LOCK in stats and holder.get("host") == socket.gethostname():
        # Some file systems do not list their locks, and process numbers are used again.
        process = holder.get("pid")
        works = _holds_lock(process, stats[LOCK].st_ino) or (works and _exists(process))
    elif progress.state == "waiting":  # a waiting process touches no file
        works = True
    if works:
        silent = progress.state == "running" and quiet > QUIET_SECONDS
        return progress.state, f"no sign for {duration(quiet)}" if silent else progress.reason
    place = f" on {holder['host']}" if "host" in holder else ""
    return "interrupted", f"ended without a message{place}, last sign {duration(quiet)} ago"


def _read_plan(path: Path, problems: list[str]) -> tuple[int | None, Costs]:
    """Number of epochs and the runs in `plan.json`; none if the file is missing or damaged."""
    values = read_object(path, problems)
    if not values:
        return None, {}
    try:
        costs = {
            (str(run["variant"]), int(run["seed"])): int(run["multiply_adds"])
            for run in values["runs"]
        }
        if unusual := [name for name, _ in costs if not re.fullmatch(NAME, name)]:
            raise ValueError(f"{unusual[0]!r} is not a variant")
        if max(int(values["epochs"]), *costs.values()) > MOST:
            raise ValueError(f"a number is larger than {MOST:,}")
        return int(values["epochs"]), costs
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        problems.append(f"{path.name} is not a plan ({error!r})")
        return None, {}


def _holds_lock(process: Any, inode: int) -> bool:
    """Whether the kernel lists this lock on a file. Reading the list takes no lock."""
    with contextlib.suppress(OSError, IndexError):
        lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        return any(
            line[1] != "->" and line[4] == str(process) and line[5].endswith(f":{inode}")
            for line in lines
        )
    return False


def _exists(process: Any) -> bool:
    """Whether this machine has a process of that number; signal 0 does not disturb it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, TypeError, OverflowError):
        pass
    return True


def _time_left(run: RunStatus, runs: list[RunStatus], costs: Costs) -> float | None:
    """Seconds of training that `run` still needs; None if unknown.

    Before its first epoch, its speed is estimated from the other seeds of its variant, or else from
    the time per multiply-add in all measured runs.
    """
    if run.state == "done":
        return 0.0
    measured = {(one.variant, one.seed): one.epoch_seconds for one in runs if one.epoch_seconds}
    same = [time for (variant, _), time in measured.items() if variant == run.variant]
    seconds = run.epoch_seconds
    if seconds is None and same:
        seconds = fmean(same)
    elif seconds is None and measured and costs:
        total = sum(costs[name] for name in measured)
        seconds = sum(measured.values()) * costs[run.variant, run.seed] / max(total, 1)
    if seconds is None or run.epochs is None:
        return None
    return max(run.epochs - run.epoch, 0) * seconds


def time_to_end(runs: list[RunStatus]) -> float | None:
    """Seconds until all but the failed runs end, with as many side by side as now, if known."""
    states = ("running", "interrupted", "waiting")
    lefts = [run.seconds_left for state in states for run in runs if run.state == state]
    known = [left for left in lefts if left is not None]
    ends = [0.0 for run in runs if run.state == "running"]
    if not ends or len(known) < len(lefts):
        return None
    for left in known:
        heapq.heapreplace(ends, ends[0] + left)
    return max(ends) if max(ends) < LONGEST else None


def duration(seconds: float) -> str:
    """Seconds in a few characters, such as 45s, 12m, 3h05m, 2d04h."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 59.5:
        return f"{max(seconds, 0):.0f}s"
    if minutes < 60:
        return f"{minutes}m"
    if minutes < 24 * 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    return f"{hours // 24}d{hours % 24:02d}h"


def natural(name: tuple[str, int]) -> tuple[str, int]:
    """A key that sorts variants with f16 before f128, and then seeds."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(9), name[0]), name[1]
