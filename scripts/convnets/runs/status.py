"""How the runs of a sweep stand, told by the files in their folders alone.

Nothing is written and no lock is taken: a lock held for a moment, only to try it, could make a
run that starts in this moment refuse. Standard library only, to start at once on any machine
that sees the folder.
"""

import dataclasses
import heapq
import os
import re
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convnets.core.errors import UserError
from convnets.runs.run_files import (
    NAME,
    Epoch,
    Log,
    Plan,
    read_history,
    read_json,
    read_log,
    read_plan,
    read_text,
)

STATES = ("done", "running", "waiting", "interrupted", "failed")
LOCK, LOG = ".lock", "train.log"
SAVED = ("state.0.pt", "state.1.pt")
SIGNS = (LOCK, LOG, "history.csv", *SAVED)
"""The files of a run whose times tell that somebody works there."""
QUIET_SECONDS = 300.0
"""A run on another machine that touched no file for so long is taken to have ended.

Training saves every minute (`training.SAVE_SECONDS`); only validation can make this longer.
"""
RECENT = 5
"""Epochs whose mean time is the speed of a run."""

Locks = set[tuple[str, int]]
"""Process and inode of each lock that this machine's kernel lists."""


@dataclass(frozen=True)
class Run:
    """Where a run stands; None is what is not known."""

    variant: str
    seed: int
    state: str
    """One of `STATES`."""
    epoch: int
    """Epochs finished."""
    epochs: int | None
    best_val_accuracy: float | None
    best_epoch: int | None
    epoch_seconds: float | None
    """Mean time of the last epochs, validation included."""
    test_accuracy: float | None
    reason: str
    """What there is to say about the state, such as why the run failed."""
    damaged: tuple[str, ...]
    """Files that could not be read, each with what is wrong."""
    seconds_left: float | None = None
    """Training time still needed."""


@dataclass(frozen=True)
class Sweep:
    """Where all runs stand."""

    folder: Path
    runs: list[Run]
    seconds_left: float | None
    """Time until all but the failed runs are done, if as many go on side by side as now."""
    planned: bool
    """Whether runs that have not begun are known, from `plan.json`."""
    notes: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """Number of runs by state."""
        return {state: sum(run.state == state for run in self.runs) for state in STATES}


def read_sweep(folder: Path) -> Sweep:
    """Look at all runs in `folder`, such as results/demo: those of `plan.json` where it is there.

    Raises:
        UserError: there is no such folder.
    """
    if not folder.is_dir():
        sweeps = sorted(path.parent.name for path in folder.parent.glob("*/runs"))
        raise UserError(
            f"there is no folder {folder}; sweeps in {folder.parent}: {', '.join(sweeps) or 'none'}"
            ". Give the folder results/NAME, where NAME is run_name of the configuration"
        )
    notes: list[str] = []
    plan = read_plan(folder / "plan.json", notes)
    found = {
        (path.parent.name, int(path.name.removeprefix("seed_")))
        for path in (folder / "runs").glob("*/seed_*")
        if re.fullmatch(r"seed_\d{1,10}", path.name, re.ASCII)
        and path.is_dir()
        and NAME.fullmatch(path.parent.name)
    }
    if plan and (others := len(found - plan.multiply_adds.keys())):
        notes.append(f"left out, because they are not of the plan: {others} of the runs")
    names = plan.multiply_adds.keys() if plan else found
    locks = held_locks()
    runs = [
        read_run(folder / "runs" / variant / f"seed_{seed}", variant, seed, plan, locks)
        for variant, seed in sorted(names, key=_natural)
    ]
    runs = [with_time_left(run, runs, plan) for run in runs]
    return Sweep(folder, runs, time_to_end(runs), plan is not None, notes)


def read_run(folder: Path, variant: str, seed: int, plan: Plan | None, locks: Locks) -> Run:
    """Look at one run, whose folder need not be there; the time left stays open."""
    damaged: list[str] = []
    record = read_json(folder / "run.json", damaged)
    log = read_log(read_text(folder / LOG, damaged))
    history = read_history(folder / "history.csv", damaged)
    state, reason = judge(folder, log, locks)
    # Snakemake deletes history.csv when a job starts or fails; a run by hand may have no log.
    rows = max(history, log.rows, key=lambda rows: rows[-1].epoch if rows else 0)
    if state != "done" and not any((folder / name).exists() for name in SAVED):
        rows = []  # nothing is left to go on from
    test = read_json(folder / "test.json", damaged) if state == "done" else {}
    if state == "done" and not test:
        words = read_log(read_text(folder / "evaluate.log", damaged)).last_words
        reason = f"test: {words}" if words else ""
    best = max(rows, key=lambda row: row.val_accuracy, default=None)
    asked = plan.epochs if plan else log.epochs
    return Run(
        variant=variant,
        seed=seed,
        state=state,
        epoch=rows[-1].epoch if rows else 0,
        epochs=_epochs(record) or asked,
        best_val_accuracy=best.val_accuracy if best else None,
        best_epoch=best.epoch if best else None,
        epoch_seconds=speed(rows),
        test_accuracy=_number(test.get("test_accuracy")),
        reason=reason,
        damaged=tuple(damaged),
    )


def _epochs(record: dict[str, Any]) -> int | None:
    """Epochs that a finished run was trained for."""
    trained = record.get("epochs_trained", record.get("epochs"))
    return trained if isinstance(trained, int) else None


def judge(folder: Path, log: Log, locks: Locks) -> tuple[str, str]:
    """State of a run, and what there is to say about it."""
    if (folder / "run.json").exists():
        return "done", ""
    stats = {name: (folder / name).stat() for name in SIGNS if (folder / name).exists()}
    if not stats:
        return "waiting", ""
    latest = max(status.st_mtime for status in stats.values())
    quiet = time.time() - latest
    holder = read_json(folder / LOCK, [])
    ended = log.last_words and stats[LOG].st_mtime == latest
    works = quiet < QUIET_SECONDS and not ended
    here = LOCK in stats and holder.get("host") == socket.gethostname()
    if here:
        # Some file systems do not list their locks, and a number may be another process's by now.
        listed = (str(holder.get("pid")), stats[LOCK].st_ino) in locks
        works = listed or (works and exists(holder.get("pid")))
    if log.waits and (works or not here):  # who waits touches no file
        return "waiting", "for a place on a GPU"
    if works:
        return "running", f"no sign for {duration(quiet)}" if quiet > QUIET_SECONDS else ""
    if log.failed:
        return "failed", log.last_words
    place = f" on {holder['host']}" if "host" in holder else ""
    silence = f"ended without a word{place}, last sign {duration(quiet)} ago"
    return "interrupted", log.last_words or silence


def held_locks() -> Locks:
    """What the kernel of this machine lists; to read the list takes no lock."""
    try:
        lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        return {(line[4], int(line[5].split(":")[2])) for line in lines if line[1] != "->"}
    except (OSError, ValueError, IndexError):
        return set()


def exists(process: Any) -> bool:
    """Whether this machine has a process of that number, which signal 0 does not disturb."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, TypeError, OverflowError):
        return True
    return True


def speed(rows: list[Epoch]) -> float | None:
    """Mean seconds of the last epochs."""
    recent = [row.seconds for row in rows[-RECENT:]]
    return sum(recent) / len(recent) if recent else None


def with_time_left(run: Run, runs: list[Run], plan: Plan | None) -> Run:
    """`run` with the training time that it still needs.

    Before its first epoch the other seeds of its variant tell the speed, or else the time of a
    multiply-add in all measured runs.
    """
    if run.state == "done":
        return dataclasses.replace(run, seconds_left=0.0)
    measured = {
        (other.variant, other.seed): other.epoch_seconds
        for other in runs
        if other.epoch_seconds is not None
    }
    seconds = run.epoch_seconds
    same = [time for (variant, _), time in measured.items() if variant == run.variant]
    if seconds is None and same:
        seconds = sum(same) / len(same)
    if seconds is None and measured and plan:
        cost = plan.multiply_adds
        total = sum(cost[name] for name in measured)
        seconds = sum(measured.values()) * cost[run.variant, run.seed] / max(total, 1)
    if seconds is None or run.epochs is None:
        return run
    return dataclasses.replace(run, seconds_left=max(run.epochs - run.epoch, 0) * seconds)


def time_to_end(runs: list[Run]) -> float | None:
    """Seconds until all but the failed runs are done, with as many side by side as now.

    None when nothing runs, or when the time left of a run is not known.
    """
    lefts = {
        state: [run.seconds_left for run in runs if run.state == state]
        for state in ("running", "interrupted", "waiting")
    }
    known = [left for group in lefts.values() for left in group if left is not None]
    running = lefts.pop("running")
    if not running or len(known) < len(running) + sum(map(len, lefts.values())):
        return None
    slots, ahead = known[: len(running)], known[len(running) :]
    heapq.heapify(slots)
    for left in ahead:
        heapq.heapreplace(slots, slots[0] + left)
    return max(slots)


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


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and abs(value) < sys.float_info.max
    return float(value) if known else None


def _natural(name: tuple[str, int]) -> tuple[str, int]:
    """Sorts f16 before f128, and by seed."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(9), name[0]), name[1]
