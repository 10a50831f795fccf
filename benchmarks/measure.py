"""The measurement of one variant: blocks of training steps of plain loop and engine, in turn."""

import math
import statistics
from dataclasses import dataclass

from benchmarks.bounds import Work, largest_features, step_work
from benchmarks.workers import Worker
from convnets.settings import SplitSettings, TrainingSettings
from convnets.variant import Variant

SPLIT = SplitSettings()
"""The paper's numbers of images."""
WARM_UP_STEPS = 3
BLOCK_STEPS, BLOCK_SECONDS = 3, 0.3
"""Least steps and about the least seconds of a timed block."""


@dataclass(frozen=True)
class Timing:
    """What was measured of one variant."""

    variant: Variant
    peer: list[float]
    """Images a second in each of its blocks."""
    engine: list[float]
    """Likewise; block `i` ran right after block `i` of the peer."""
    batch_size: int
    work: Work
    """The least that a step of `batch_size` images must do."""
    copy_size: int
    """Bytes of the largest features of a batch."""
    copy_rate: float
    """Bytes read and written in a second while `copy_size` bytes were copied."""
    arithmetic_rate: tuple[float, str]
    """Floating-point operations a second that the machine reached, and with what."""

    @property
    def ratios(self) -> list[float]:
        """How many times the peer's speed the engine had, block by block."""
        return [fast / plain for plain, fast in zip(self.peer, self.engine, strict=True)]

    def __str__(self) -> str:
        peer, engine = statistics.median(self.peer), statistics.median(self.engine)
        return (
            f"{self.variant.id:20}  plain loop {peer:9,.0f}  engine {engine:9,.0f} images/s"
            f"  {statistics.median(self.ratios):5.2f} times"
        )


def time_variant(
    peer: Worker,
    engine: Worker,
    variant: Variant,
    settings: TrainingSettings,
    element_bytes: int,
    repeats: int,
) -> Timing:
    """Time `repeats` blocks of both, in turn, and what the machine can do meanwhile."""
    steps = {}
    for worker in (peer, engine):
        worker.call("load", variant)
        worker.call("train", WARM_UP_STEPS)
        seconds = worker.call("train", BLOCK_STEPS) / BLOCK_STEPS
        steps[worker] = max(BLOCK_STEPS, math.ceil(BLOCK_SECONDS / seconds))
    speeds: dict[Worker, list[float]] = {peer: [], engine: []}
    for _ in range(repeats):
        for worker, number in steps.items():
            seconds = worker.call("train", number)
            speeds[worker].append(number * settings.batch_size / seconds)
    copy_size = settings.batch_size * largest_features(variant) * element_bytes
    return Timing(
        variant,
        speeds[peer],
        speeds[engine],
        settings.batch_size,
        step_work(variant, settings, element_bytes),
        copy_size,
        engine.call("copy_rate", copy_size),
        engine.call("arithmetic_rate"),
    )


def time_evaluation(engine: Worker, repeats: int) -> list[float]:
    """Seconds to evaluate the variant that `engine` has loaded on as many images as the paper."""
    engine.call("evaluate", SPLIT.validation)
    return [engine.call("evaluate", SPLIT.validation) for _ in range(repeats)]
