"""Show the status of a sweep: state, progress and time left of each run, and the expected end.

Only reads files, so it can run during the sweep, on any machine that sees the folder.
"""

import argparse
import contextlib
import dataclasses
import datetime
import json
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from convnets.core.errors import UserError, run_script
from convnets.runs.status import RunStatus, SweepStatus, duration, read_sweep

WIDTH, INDENT, BAR = 100, " " * 4, 8
NOTE = textwrap.TextWrapper(WIDTH, INDENT, INDENT, max_lines=3, placeholder=" ...")
DAY = 86_400
HEADER = ("variant", "seed", "state", "epoch", "progress", "best", "at", "s/epoch", "left", "test")
SIDES = "<><><>>>>>"
CLEAR = "\x1b[H\x1b[J"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the sweep, such as results/demo")
    shapes = parser.add_mutually_exclusive_group()
    shapes.add_argument("--json", action="store_true", help="print JSON, for programs")
    text = "refresh at this interval, until Ctrl-C"
    shapes.add_argument("--watch", type=float, metavar="SECONDS", help=text)
    arguments = parser.parse_args()
    if arguments.watch is None:
        sweep = read_sweep(arguments.folder)
        print(as_json(sweep) if arguments.json else as_text(sweep))
        return
    if not arguments.watch > 0:
        raise UserError(f"--watch is {arguments.watch:g}, expected a time above 0 seconds")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            text = as_text(read_sweep(arguments.folder))
            print(CLEAR + text if sys.stdout.isatty() else f"{text}\n", flush=True)
            time.sleep(min(arguments.watch, DAY))


def as_text(sweep: SweepStatus) -> str:
    """The table of the runs, with notes below some of them, and a summary of the sweep."""
    rows = [HEADER, *map(cells, sweep.runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[0] = min(widths[0], max(WIDTH - sum(widths[1:]) - 2 * len(widths[1:]), 7))
    lines = []
    for row, run in zip(rows, [None, *sweep.runs], strict=True):
        aligned = zip(row, SIDES, widths, strict=True)
        lines.append("  ".join(f"{text[:end]:{side}{end}}" for text, side, end in aligned).rstrip())
        for note in (run.reason, *run.damaged) if run else ():
            lines += NOTE.wrap("".join(filter(str.isprintable, note)))  # no control codes
    return "\n".join([*lines, "", *summary(sweep)])


def cells(run: RunStatus) -> tuple[str, ...]:
    """The row of a run, one text per column."""
    filled = min(BAR * run.epoch // run.epochs, BAR) if run.epochs else 0
    return (
        run.variant,
        str(run.seed),
        run.state,
        f"{run.epoch}/{'?' if run.epochs is None else run.epochs}",
        "#" * filled + "." * (BAR - filled),
        known(run.best_val_accuracy, "{:.4f}".format),
        known(run.best_epoch, str),
        known(run.epoch_seconds, "{:.1f}".format),
        "" if run.state == "done" else known(run.seconds_left, duration),
        known(run.test_accuracy, "{:.4f}".format),
    )


def summary(sweep: SweepStatus) -> list[str]:
    """The summary of the sweep, in lines."""
    counts = sweep.counts
    tested = sum(run.test_accuracy is not None for run in sweep.runs)
    states = ", ".join(
        f"{number} {state}" + (f" ({tested} tested)" if state == "done" else "")
        for state, number in counts.items()
    )
    lines = [f"{sweep.folder}: {len(sweep.runs)} runs: {states}", expectation(sweep)]
    if counts["failed"]:
        lines.append(f"Whole messages: {sweep.folder}/runs/VARIANT/seed_SEED/train.log")
    if not sweep.planned:
        lines.append("There is no plan.json: runs that have not begun are unknown.")
    return [*lines, *sweep.notes]


def expectation(sweep: SweepStatus) -> str:
    """The expected end of the sweep, in words."""
    counts = sweep.counts
    if not sweep.runs:
        return "No run has begun."
    if not counts["running"]:
        if counts["done"] == len(sweep.runs):
            return "All are done."
        return "No run is being trained: unless the sweep is at work, start it to continue."
    if sweep.seconds_left is None:
        return "Expected end: unknown before an epoch is measured."
    end = end_time(sweep.seconds_left)
    rest = "; the failed runs are not counted" if counts["failed"] else ""
    return f"Expected end: {end:%a %d %b %H:%M}, in {duration(sweep.seconds_left)}{rest}"


def as_json(sweep: SweepStatus) -> str:
    """The status as JSON, for programs; null marks an unknown value."""
    left = sweep.seconds_left
    end = None if left is None else end_time(left).isoformat(timespec="seconds")
    more = {"folder": str(sweep.folder), "counts": sweep.counts, "expected_end": end}
    return json.dumps(dataclasses.asdict(sweep) | more, indent=2)


def end_time(seconds_left: float) -> datetime.datetime:
    """The local time after this many seconds."""
    return datetime.datetime.now().astimezone() + datetime.timedelta(seconds=seconds_left)


def known(value: float | None, to_text: Callable[[Any], str]) -> str:
    """The text of a value; a dash if it is unknown."""
    return "-" if value is None else to_text(value)


if __name__ == "__main__":
    run_script(main)
