"""Measure how fast the project trains, beside a plain loop and the bound of the machine.

As in a sweep, several runs train at the same time (`--runs`): by default two of one thread each
on a processor, and one on a GPU.
"""

import argparse
import contextlib
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from benchmarks.measure import SPLIT, time_evaluation, time_variant
from benchmarks.plot import plot_speed
from benchmarks.startup import startup_seconds, write_data
from benchmarks.tables import ARRANGEMENT, breakdown_row, duration_row, speed_table, summary
from benchmarks.workers import Engine, Peer, Worker, together
from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings, parse
from convnets.core import records
from convnets.core.errors import UserError, run_script
from convnets.core.files import write_text
from convnets.training import hardware

CONFIG = Path(__file__).parents[1] / "config" / "config.yaml"
FAMILIES = ("max_pool_2", "avg_pool_2", "stride_2", "no_pooling", "dilation_plus2")
PROFILED_STEPS = 10
FEW = 3
"""Most repeats of what takes seconds each time: start-up and evaluation."""


def main() -> None:
    arguments = parse_arguments()
    for option in ("threads", "repeats", "runs"):
        if getattr(arguments, option) < 1:
            raise UserError(f"--{option} is {getattr(arguments, option)}, expected 1 or more")
    settings, variants = read_config(arguments)
    plan = hardware.choose_plan(settings, variants[0])
    machine: dict[str, Any] = {
        "device_name": hardware.describe(plan.device),
        "runs": arguments.runs,
        "threads": settings.threads,
        "precision": plan.precision,
        "kernels": plan.kernels,
    }
    print(ARRANGEMENT.format(**machine), flush=True)
    element_bytes = 2 if plan.precision == "bfloat16" else 4
    few = min(arguments.repeats, FEW)
    timings, durations, breakdowns, families = [], [], [], set()
    with contextlib.ExitStack() as stack:
        peers, engines = (
            [stack.enter_context(Worker(kind, settings)) for _ in range(arguments.runs)]
            for kind in (Peer, Engine)
        )
        for variant in variants:
            timing = time_variant(
                peers, engines, variant, settings, element_bytes, arguments.repeats
            )
            timings.append(timing)
            print(timing, flush=True)
            if plan.device == "cpu":  # the profiler sees no operations in a replayed graph
                milliseconds, *_ = together(engines, "breakdown", PROFILED_STEPS)
                breakdowns.append(breakdown_row(timing, milliseconds, arguments.runs))
            if variant.method not in families:
                families.add(variant.method)
                seconds = time_evaluation(engines[0], few)
                row = duration_row("evaluation", variant.id, SPLIT.validation, seconds)
                durations.append(row)
    with tempfile.TemporaryDirectory() as folder:
        images = write_data(Path(folder), SPLIT)
        seconds = startup_seconds(variants[0], settings, Path(folder), few)
    durations.append(duration_row("startup", variants[0].id, images, seconds))
    machine |= conditions(arguments.repeats, settings)
    prefix = str(arguments.output / name_of(machine))
    speeds = speed_table(timings).assign(**machine)
    others = pd.DataFrame(durations).assign(**machine)
    tables = {".csv": speeds, "_startup.csv": others}
    if breakdowns:
        tables["_breakdown.csv"] = pd.DataFrame(breakdowns).assign(**machine)
    for ending, frame in tables.items():
        write_text(f"{prefix}{ending}", frame.to_csv(index=False, float_format="%.6g"))
    plot_speed(speeds, prefix)
    print(f"{summary(speeds, others)}\nwritten: {prefix}.svg, .png, {', '.join(tables)}")


def conditions(repeats: int, settings: TrainingSettings) -> dict[str, Any]:
    """Columns of every table: with what and when it was measured."""
    return {
        "repeats": repeats,
        "batch_size": settings.batch_size,
        "torch": torch.__version__,
        "git_commit": records.git_commit(),
        "date": records.now(),
    }


def name_of(machine: dict[str, Any]) -> str:
    """Beginning of the names of the files of a machine and precision."""
    name = f"{machine['device_name']} {machine['precision']}".lower()
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")


def read_config(arguments: argparse.Namespace) -> tuple[TrainingSettings, list[Variant]]:
    """The settings to train with and the variants to train, as the configuration has them.

    Read here because `convnets.config.schema` needs what comes with Snakemake, which a machine that
    only trains may lack.
    """
    try:
        config = yaml.safe_load(CONFIG.read_text())
        training, shared, known = (config[key] for key in ("training", "architecture", "variants"))
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(f"{CONFIG} is no configuration of this project: {error!r}") from None
    unknown = [id for id in arguments.variants if id not in known]
    if unknown:
        raise UserError(
            f"--variants names {unknown[0]!r}: no such variant in {CONFIG}; there are "
            f"{', '.join(known)}"
        )
    chosen = {key: getattr(arguments, key) for key in ("precision", "device", "threads")}
    settings = parse(TrainingSettings, training | chosen, f"{CONFIG}: training")
    merged = (shared | known[id] | {"id": id} for id in arguments.variants)
    return settings, [parse(Variant, values, f"{CONFIG}: variants") for values in merged]


def parse_arguments() -> argparse.Namespace:
    parser = parser_of("python -m benchmarks.bench", __doc__, FAMILIES, threads=1)
    runs = 1 if torch.cuda.is_available() else 2
    parser.add_argument(
        "--runs", type=int, default=runs, help=f"that train at the same time (default here: {runs})"
    )
    return parser.parse_args()


def parser_of(
    program: str, purpose: str, variants: Iterable[str], threads: int
) -> argparse.ArgumentParser:
    """The options of every benchmark of training."""
    parser = argparse.ArgumentParser(prog=program, description=purpose)
    add = parser.add_argument
    choices = ("auto", "bfloat16", "float32")
    add("--precision", choices=choices, default="auto", help="of the engine (default: auto)")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="(default: auto)")
    add("--threads", type=int, default=threads, help=f"to compute with (default here: {threads})")
    add("--repeats", type=int, default=5, help="timed blocks of each (default: 5)")
    add("--variants", nargs="+", default=list(variants), metavar="ID", help="what to measure")
    add(
        "--output",
        type=Path,
        default=Path(__file__).parent / "results",
        help="folder for what is measured (default: benchmarks/results)",
    )
    return parser


if __name__ == "__main__":
    run_script(main)
