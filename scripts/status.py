"""Show how a sweep stands: each run's state, progress and time left, and the expected end.

Only looks, at files alone: run it while the sweep runs, on any machine that sees the folder.
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

WIDTH = 100
BAR = 8
DAY = 86_400
HEADER = ("variant", "seed", "state", "epoch", "progress", "best", "at", "s/epoch", "left", "test")
LEFT_ALIGNED = ("variant", "state", "progress")
CLEAR = "\x1b[H\x1b[J"


def main() -> None:
    arguments = parse_arguments()
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
    """The table of the runs, what is to say about some, and the sweep as a whole."""
    rows = [HEADER, *(cells(run) for run in sweep.runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - 2 * len(widths[1:]))
    lines = []
    for row, run in zip(rows, [None, *sweep.runs], strict=True):
        aligned = (
            text[:width].ljust(width) if name in LEFT_ALIGNED else text.rjust(width)
            for name, text, width in zip(HEADER, row, widths, strict=True)
        )
        lines.append("  ".join(aligned).rstrip())
        for remark in (run.reason, *run.damaged) if run else ():
            lines += indented(remark)
    return "\n".join([*lines, "", *summary(sweep)])


def cells(run: RunStatus) -> tuple[str, ...]:
    """The row of a run, a text a column."""
    total = "?" if run.epochs is None else str(run.epochs)
    filled = min(BAR * run.epoch // run.epochs, BAR) if run.epochs else 0
    left = "" if run.state == "done" else known(run.seconds_left, duration)
    return (
        run.variant,
        str(run.seed),
        run.state,
        f"{run.epoch}/{total}",
        "#" * filled + "." * (BAR - filled),
        known(run.best_val_accuracy, "{:.4f}".format),
        known(run.best_epoch, str),
        known(run.epoch_seconds, "{:.1f}".format),
        left,
        known(run.test_accuracy, "{:.4f}".format),
    )


def summary(sweep: SweepStatus) -> list[str]:
    """Lines on the sweep as a whole."""
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
        lines.append("There is no plan.json: runs that have not begun are not known here.")
    return [*lines, *sweep.notes]


def expectation(sweep: SweepStatus) -> str:
    """When the sweep ends."""
    counts = sweep.counts
    if not sweep.runs:
        return "No run has begun."
    if not counts["running"]:
        whole = counts["done"] == len(sweep.runs)
        idle = "Nothing is trained now: if the sweep is not at work, start it to go on."
        return "All are done." if whole else idle
    if sweep.seconds_left is None:
        return "Expected end: not known before an epoch is measured."
    end = end_time(sweep.seconds_left)
    rest = "; the failed runs are not counted" if counts["failed"] else ""
    return f"Expected end: {end:%a %d %b %H:%M}, in {duration(sweep.seconds_left)}{rest}"


def as_json(sweep: SweepStatus) -> str:
    """The same for programs; null is what is not known."""
    left = sweep.seconds_left
    values = {
        "folder": str(sweep.folder),
        "counts": sweep.counts,
        "seconds_left": left,
        "expected_end": None if left is None else end_time(left).isoformat(timespec="seconds"),
        "planned": sweep.planned,
        "notes": sweep.notes,
        "runs": [dataclasses.asdict(run) for run in sweep.runs],
    }
    return json.dumps(values, indent=2)


def end_time(seconds_left: float) -> datetime.datetime:
    """The local time in so many seconds."""
    return datetime.datetime.now().astimezone() + datetime.timedelta(seconds=seconds_left)


def known(value: float | None, to_text: Callable[[Any], str]) -> str:
    """Text of a value, with a dash for one that is not known."""
    return "-" if value is None else to_text(value)


def indented(remark: str) -> list[str]:
    """A remark below a run, three lines of it at most, without codes for terminals."""
    return textwrap.wrap(
        "".join(character for character in remark if character.isprintable()),
        WIDTH,
        initial_indent="    ",
        subsequent_indent="    ",
        max_lines=3,
        placeholder=" ...",
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the sweep, such as results/demo")
    shapes = parser.add_mutually_exclusive_group()
    shapes.add_argument("--json", action="store_true", help="print JSON, for programs")
    shapes.add_argument(
        "--watch", type=float, metavar="SECONDS", help="show it anew so often, until Ctrl-C"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
