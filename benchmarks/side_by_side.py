"""Measure whether several runs side by side train faster than one after the other.

On a GPU each run is a process, as with `runs_per_gpu`. On a processor the threads are shared
out: one run with all of them, or more runs with fewer.
"""

import argparse
import contextlib
import dataclasses
import math
from typing import Any

import pandas as pd
import torch

from benchmarks.bench import FAMILIES, conditions, name_of, parser_of, read_config
from benchmarks.tables import quartiles
from benchmarks.workers import Engine, Worker, together
from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core.errors import UserError, run_script
from convnets.core.files import write_text
from convnets.training import hardware

WARM_UP_STEPS = 3
BLOCK_SECONDS = 2.0
"""About the seconds of a timed block: long against the difference of the processes' starts."""


def main() -> None:
    arguments = parse_arguments()
    if min(arguments.runs) < 1:
        raise UserError(f"--runs has {min(arguments.runs)}, expected 1 or more")
    settings, variants = read_config(arguments)
    plan = hardware.choose_plan(settings, variants[0])
    rows = []
    with contextlib.ExitStack() as stack:
        arrangements = {
            runs: [
                stack.enter_context(Worker(Engine, with_threads(settings, runs, arguments.threads)))
                for _ in range(runs)
            ]
            for runs in arguments.runs
        }
        for variant in variants:
            speeds = measure(arrangements, variant, settings.batch_size, arguments.repeats)
            for runs, values in speeds.items():
                ratios = [value / one for value, one in zip(values, speeds[1], strict=True)]
                threads = with_threads(settings, runs, arguments.threads).threads
                row: dict[str, Any] = {"variant": variant.id, "runs": runs, "threads": threads}
                row |= quartiles("images_per_second", values) | quartiles("ratio", ratios)
                rows.append(row)
                print("{variant:15} {runs:2} runs {ratio:6.2f} times".format(**row), flush=True)
    machine: dict[str, Any] = {
        "device_name": hardware.describe(plan.device),
        "precision": plan.precision,
    }
    machine |= conditions(arguments.repeats, settings)
    path = arguments.output / f"{name_of(machine)}_side_by_side.csv"
    write_text(path, pd.DataFrame(rows).assign(**machine).to_csv(index=False, float_format="%.6g"))
    print(f"written: {path}")


def with_threads(settings: TrainingSettings, runs: int, threads: int) -> TrainingSettings:
    """The settings of each of so many runs that share `threads` threads."""
    return dataclasses.replace(settings, threads=max(1, threads // runs))


def measure(
    arrangements: dict[int, list[Worker]], variant: Variant, batch_size: int, repeats: int
) -> dict[int, list[float]]:
    """Images a second of all runs together, in each of `repeats` blocks, by number of runs."""
    steps = {}
    for runs, workers in arrangements.items():
        together(workers, "load", variant)
        together(workers, "train", WARM_UP_STEPS)
        seconds = max(together(workers, "train", WARM_UP_STEPS)) / WARM_UP_STEPS
        steps[runs] = max(1, math.ceil(BLOCK_SECONDS / seconds))
    speeds: dict[int, list[float]] = {runs: [] for runs in arrangements}
    for _ in range(repeats):
        for runs, workers in arrangements.items():
            seconds = max(together(workers, "train", steps[runs]))
            speeds[runs].append(runs * steps[runs] * batch_size / seconds)
    return speeds


def parse_arguments() -> argparse.Namespace:
    parser = parser_of(
        "python -m benchmarks.side_by_side", __doc__, FAMILIES, torch.get_num_threads()
    )
    numbers = "numbers of runs besides 1 (default: 2 4 8)"
    parser.add_argument("--runs", type=int, nargs="+", default=[2, 4, 8], help=numbers)
    arguments = parser.parse_args()
    arguments.runs = sorted({1, *arguments.runs})
    return arguments


if __name__ == "__main__":
    run_script(main)
