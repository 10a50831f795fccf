"""Seconds per epoch of each variant, measured side by side.

The time of a training depends on the machine's other work. So every variant is measured in each of
several rounds, in a short block of training steps and one of validation. Each round has another
order: a drift of the machine affects all variants alike, and ratios are more precise than seconds.
"""

import contextlib
import dataclasses
import gc
import math
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from convnets.core import records
from convnets.core.errors import Interrupted
from convnets.runs.metrics import ROUND, RUNTIME_COLUMNS, median_interval
from convnets.runs.run_folder import RunFolder
from convnets.training import hardware
from convnets.training.trainer import EVALUATION_BATCH, LabelledTensors, Trainer

TRAINING_SECONDS = {"cpu": 0.75, "cuda": 0.25}
"""Approximate time of a block of training steps: a GPU takes hundreds of them in its time. A block
of validation takes a fifth of it."""
SHARE = 0.01
"""Largest time of a block, as a share of the run's training time."""
Parts = Mapping[str, tuple[LabelledTensors, ...]]
"""Training and validation part by device."""


def measure(
    runs: Sequence[RunFolder],
    parts: Parts,
    rounds: int,
    check: Callable[[], None],
    log: Callable[[str], None],
) -> pd.DataFrame:
    """Measure the variants of `runs`: a row of `measure_block` per round and run."""
    blocks, start = [], time.monotonic()
    for number in range(1, rounds + 1):
        rng = np.random.default_rng((runs[0].record["seed"], number))
        for place in rng.permutation(len(runs)):
            try:
                check()
            except Interrupted as signal:
                where = f"in round {number} of {rounds}, before anything was written"
                raise Interrupted(f"{signal} {where}") from None
            run = runs[place]
            block = measure_block(run, parts[plan_of(run).device], number)
            blocks.append({"variant": run.variant.id, "round": number} | block)
        spent = time.monotonic() - start
        left = spent / number * (rounds - number)
        log(f"round {number} of {rounds}: {spent:.0f} s so far, about {left:.0f} s left")
    return pd.DataFrame(blocks)


def plan_of(run: RunFolder) -> hardware.Plan:
    """The plan by which this machine trains the variant of `run`."""
    return hardware.choose_plan(run.settings, run.variant)


def measure_block(run: RunFolder, parts: Sequence[LabelledTensors], epoch: int) -> dict[str, float]:
    """Time some steps of epoch `epoch` and some validation batches, after a warm-up.

    In seconds, and the share of the machine's processor time that other processes used meanwhile.
    """
    plan, start = plan_of(run), cpu_seconds()
    enough = min(TRAINING_SECONDS[plan.device], SHARE * run.record["train_seconds"])
    if plan.cuda_graph:
        gc.collect()  # free the last recorded graph, which is in a reference cycle
    hardware.prepare(plan, run.settings.threads)
    train_part, (images, labels) = parts
    trainer = Trainer(run.variant, run.settings, run.record["seed"], plan, train_part)
    trainer.begin_epoch(epoch)

    def train(steps: int) -> None:
        for step in range(steps):
            trainer.train_step(step)

    def validate(batches: int) -> None:
        part = slice(batches * EVALUATION_BATCH)
        trainer.validate((images[part], labels[part]))

    train(1)  # a warm-up, which also allocates the memory for validation
    most, device = len(trainer.batches), plan.device
    seconds, steps = timed_block(train, most, enough, device)
    trained = sum(len(batch) for batch in trainer.batches[:steps])
    most = math.ceil(len(labels) / EVALUATION_BATCH)
    val_seconds, batches = timed_block(validate, most, enough / 5, device)
    val_seconds *= len(labels) / min(batches * EVALUATION_BATCH, len(labels))
    return {
        "step_seconds": seconds / steps,
        "validation_seconds": val_seconds,
        "epoch_seconds": seconds * len(train_part[1]) / trained + val_seconds,
        "other_cpu_share": other_cpu_share(start),
    }


def timed_block(
    work: Callable[[int], None], most: int, enough: float, device: str
) -> tuple[float, int]:
    """Seconds of `work(number)`, and the number, up to `most`, that takes about `enough`."""
    wait = torch.cuda.synchronize if device == "cuda" else torch.cpu.synchronize

    def seconds(number: int) -> float:
        wait()
        start = time.perf_counter()
        work(number)
        wait()
        return time.perf_counter() - start

    pace = seconds(1)
    number = min(max(math.ceil(enough / pace), 1), most)
    return (pace if number == 1 else seconds(number)), number


def summarise(runs: Sequence[RunFolder], blocks: pd.DataFrame, parts: Parts) -> pd.DataFrame:
    """The rows of `runtimes.csv`: per variant, the median over rounds and its 95 % interval."""
    rows = []
    for run in runs:
        own, plan = blocks[blocks["variant"] == run.variant.id], plan_of(run)
        low, high = median_interval(own["epoch_seconds"].to_numpy())
        train_images, validation_images = (len(labels) for _, labels in parts[plan.device])
        rows.append(
            {
                "variant": run.variant.id,
                **own[["epoch_seconds", "step_seconds", "validation_seconds"]].median(),
                "epoch_seconds_low": low,
                "epoch_seconds_high": high,
                "rounds": len(own),
                "train_images": train_images,
                "validation_images": validation_images,
                **dataclasses.asdict(run.settings),
                **dataclasses.asdict(plan),
                "device_name": hardware.describe(plan.device),
                "other_cpu_share": own["other_cpu_share"].mean(),
                "other_gpu_processes": other_gpu_processes() if plan.device == "cuda" else None,
                **{f"{ROUND}{n}": s for n, s in enumerate(own["epoch_seconds"], start=1)},
            }
        )
    table = pd.DataFrame(rows).assign(
        load_average=os.getloadavg()[0],
        measured=records.now(),
        git_commit=records.git_commit(),
        **records.software(),
    )
    return table[[*RUNTIME_COLUMNS, *table.columns[table.columns.str.startswith(ROUND)]]]


def cpu_seconds() -> np.ndarray:
    """Seconds of busy processors, of all processors, and of this process; zeros outside Linux."""
    own = os.times()
    try:
        line = Path("/proc/stat").read_text().partition("\n")[0]
    except OSError:
        return np.zeros(3)
    # user, nice, system, idle, waiting for disks, interrupts (two kinds), stolen by a host
    ticks = [int(number) / os.sysconf("SC_CLK_TCK") for number in line.split()[1:9]]
    return np.array([sum(ticks) - sum(ticks[3:5]), sum(ticks), own.user + own.system])


def other_cpu_share(since: np.ndarray) -> float:
    """Share of the processor time that other processes used `since` a result of `cpu_seconds`."""
    busy, total, own = cpu_seconds() - since
    return max((busy - own) / total, 0.0) if total else math.nan


def other_gpu_processes() -> int | None:
    """Number of other processes on the current GPU; None if nvidia-smi does not report it."""
    query = ["nvidia-smi", "--query-compute-apps=gpu_uuid,pid", "--format=csv,noheader"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        lines = subprocess.run(query, check=True, capture_output=True, text=True).stdout
        uuid = str(torch.cuda.get_device_properties(torch.cuda.current_device()).uuid)
        return max(lines.count(uuid) - 1, 0)
    return None
