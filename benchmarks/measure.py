"""The measurement of one variant: blocks of training steps of plain loops and engines, in turn."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bounds import Work, largest_features, step_work
from benchmarks.workers import Worker, together
from convnets.architectures.variant import Variant
from convnets.config.settings import SplitSettings, TrainingSettings

SPLIT = SplitSettings()
"""The paper's numbers of images."""
WARM_UP_STEPS = 3
BLOCK_STEPS, BLOCK_SECONDS = 3, 0.3
"""Least steps and about the least seconds of a timed block."""


@dataclass(frozen=True)
class Timing:
    """Measurements of one variant."""

    variant: Variant
    peer: list[float]
    """Images a second of all plain loops together, in each of their blocks."""
    engine: list[float]
    """Likewise; block `i` ran right after block `i` of the plain loops."""
    batch_size: int
    work: Work
    """The least that a step of `batch_size` images must do."""
    copy_size: int
    """Bytes of the largest features of a batch."""
    copy_rate: float
    """Bytes read and written in a second while each engine copied `copy_size` bytes."""
    arithmetic_rate: tuple[float, str]
    """Floating-point operations a second that all engines together reached, and with what."""

    @property
    def ratios(self) -> list[float]:
        """Ratios of the engine's speed to the peer's, block by block."""
        return [fast / plain for plain, fast in zip(self.peer, self.engine, strict=True)]

    def __str__(self) -> str:
        peer, engine = statistics.median(self.peer), statistics.median(self.engine)
        return (
            f"{self.variant.id:20}  plain loop {peer:9,.0f}  engine {engine:9,.0f} images/s"
            f"  {statistics.median(self.ratios):5.2f} times"
        )


def time_variant(
    peers: Sequence[Worker],
    engines: Sequence[Worker],
    variant: Variant,
    settings: TrainingSettings,
    element_bytes: int,
    repeats: int,
) -> Timing:
    """Time `repeats` blocks of both, in turn, and what the machine can do meanwhile.

    All peers work at the same time, then all engines, as many as runs of a sweep.
    """
    steps = []
    for workers in (peers, engines):
        together(workers, "load", variant)
        together(workers, "train", WARM_UP_STEPS)
        seconds = max(together(workers, "train", BLOCK_STEPS)) / BLOCK_STEPS
        steps.append(max(BLOCK_STEPS, math.ceil(BLOCK_SECONDS / seconds)))
    speeds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for workers, number, found in zip((peers, engines), steps, speeds, strict=True):
            images = number * settings.batch_size
            found.append(sum(images / seconds for seconds in together(workers, "train", number)))
    rates = together(engines, "arithmetic_rate")
    copy_size = settings.batch_size * largest_features(variant) * element_bytes
    return Timing(
        variant,
        *speeds,
        settings.batch_size,
        step_work(variant, settings, element_bytes),
        copy_size,
        sum(together(engines, "copy_rate", copy_size)),
        (sum(rate for rate, _ in rates), max(rates)[1]),
    )


def time_evaluation(engine: Worker, repeats: int) -> list[float]:
    """Seconds to evaluate the variant that `engine` has loaded on as many images as the paper."""
    engine.call("evaluate", SPLIT.validation)
    return [engine.call("evaluate", SPLIT.validation) for _ in range(repeats)]
