"""What the files of a sweep tell while it runs, however old, half written or damaged they are.

A file that is not there tells nothing, which is no problem; one that cannot be understood is
named in the list `problems` of the caller, and what could be read of it is used. Standard
library only, as `convnets.runs.status` promises.
"""

import csv
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

MOST = 10**15
"""The largest number of epochs or multiply-adds that a plan may have."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""Names of variants (`kinds.Name`, which is not in the standard library)."""
_BEGUN = re.compile(r"\d{4}-\d\d-\d\dT\S+ \S+, seed \d+: ")
_RESUMED = re.compile(r"resumed after (step \d+ of )?epoch (\d{1,9})")
_EPOCH = re.compile(
    r"epoch +(\d{1,9})/(\d{1,9}) .* validation loss \S+ acc (\d\.\d+)  (\d{1,9}\.\d+) s  best "
)
_REFUSED = re.compile(r"error: .* is in use by ")
"""A second start of a run that goes on undisturbed."""
_WAITING = "waiting for a place on a GPU"
_TRACEBACK = "Traceback (most recent call last):"


class Epoch(NamedTuple):
    """A finished epoch: its number from 1, validation accuracy as a fraction, and time."""

    epoch: int
    val_accuracy: float
    seconds: float


@dataclass
class Log:
    """What `train.log`, to which each attempt adds its lines, tells of the run."""

    rows: list[Epoch] = field(default_factory=list)
    epochs: int | None = None
    """Epochs asked for."""
    last_words: str = ""
    """Why the last attempt ended; empty while it works, and when it was killed."""
    failed: bool = False
    """Whether these are words of an error."""
    waits: bool = False
    """Whether the last attempt waits for a GPU."""


@dataclass(frozen=True)
class Plan:
    """What `plan.json` says is to be run."""

    epochs: int
    multiply_adds: dict[tuple[str, int], int]
    """Cost of classifying an image, by variant and seed."""


def read_log(text: str) -> Log:
    """Follow the attempts through the text of a `train.log`."""
    log, before = Log(), list[Epoch]()
    for line in text.splitlines():
        if found := _EPOCH.match(line):
            row = Epoch(int(found[1]), float(found[3]), float(found[4]))
            rows = [*(earlier for earlier in log.rows if earlier.epoch < row.epoch), row]
            log = Log(rows, int(found[2]))
        elif _BEGUN.match(line):
            before, log = log.rows, Log([], log.epochs)
        elif found := _RESUMED.match(line):
            done = int(found[2]) - bool(found[1])
            log = Log([row for row in before if row.epoch <= done], log.epochs)
        elif _REFUSED.match(line):
            continue
        elif line.startswith(_WAITING):
            log.waits = True
        elif line.startswith(("error: ", _TRACEBACK)):
            log = Log(log.rows, log.epochs, line, failed=True)
        elif line.startswith("interrupted by "):
            log = Log(log.rows, log.epochs, line)
        elif log.last_words == _TRACEBACK and line[:1].strip():
            log = Log(log.rows, log.epochs, line, failed=line != "KeyboardInterrupt")
        elif log.last_words.startswith("error: "):
            log.last_words += f" {line.strip()}"
    return log


def read_history(path: Path, problems: list[str]) -> list[Epoch]:
    """The epochs in a `history.csv`, up to the first damaged line."""
    rows: list[Epoch] = []
    try:
        for line in csv.DictReader(read_text(path, problems).splitlines(), strict=True):
            row = Epoch(
                int(line["epoch"]), float(line["val_accuracy"]), float(line["epoch_seconds"])
            )
            if row.epoch != len(rows) + 1 or not all(0 <= value < 1e9 for value in row):
                raise ValueError(row)
            rows.append(row)
    except (csv.Error, KeyError, TypeError, ValueError):
        problems.append(f"{path.name} is damaged after epoch {len(rows)}")
    return rows


def read_plan(path: Path, problems: list[str]) -> Plan | None:
    """The planned runs, where they are written down."""
    values = read_json(path, problems)
    if not values:
        return None
    try:
        runs = {(str(run["variant"]), int(run["seed"])): run for run in values["runs"]}
        costs = {name: int(run["multiply_adds"]) for name, run in runs.items()}
        epochs = int(values["epochs"])
        if unusual := [name for name, _ in runs if not NAME.fullmatch(name)]:
            raise ValueError(f"{unusual[0]!r} is no variant")
        if max(epochs, *costs.values()) > MOST:
            raise ValueError(f"a number is larger than {MOST:,}")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        problems.append(f"{path.name} holds no plan ({error!r})")
        return None
    return Plan(epochs, costs)


def read_json(path: Path, problems: list[str]) -> dict[str, Any]:
    """The object in a JSON file."""
    text = read_text(path, problems)
    try:
        values = json.loads(text) if text else None
    except (ValueError, RecursionError):
        values = None
    if isinstance(values, dict):
        return values
    if path.exists():
        problems.append(f"{path.name} is damaged")
    return {}


def read_text(path: Path, problems: list[str]) -> str:
    """The text of a file."""
    try:
        if path.is_fifo():
            raise OSError(0, "Is a pipe")  # which would never end
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        problems.append(f"{path.name} cannot be read ({error.strerror})")
        return ""
