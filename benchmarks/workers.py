"""The two that are measured, in processes of their own that live as long as the benchmark.

The project's program sets threads, memory allocator and algorithms for its whole process; in
one process the plain loop would profit, or suffer. While the ones work the others wait.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import torch

from benchmarks.breakdown import milliseconds_by_kind
from benchmarks.rates import arithmetic_rate, clock, copy_rate
from benchmarks.reference import Reference, scaled
from convnets.architectures.images import CLASSES, IMAGE_SIZE
from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core.errors import UserError
from convnets.training import hardware
from convnets.training.trainer import Trainer, shuffled

SEED = 0
TRAIN_IMAGES = 100_000
"""As many as the paper trains on, so that batches are gathered from as much memory."""


def random_images(number: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 images (number, 28, 28) and labels: the speed does not depend on what they show."""
    generator = np.random.default_rng(SEED)
    images = generator.integers(0, 256, (number, IMAGE_SIZE, IMAGE_SIZE), dtype=np.uint8)
    return images, generator.integers(0, len(CLASSES), number, dtype=np.uint8)


class Measured(Protocol):
    """Contents of a worker process."""

    def load(self, variant: Variant) -> None:
        """Get ready to train `variant`."""

    def train(self, steps: int) -> float:
        """Take training steps; return the seconds they took."""


class Peer:
    """The plain loop, on the device that the settings name."""

    def __init__(self, settings: TrainingSettings) -> None:
        torch.set_num_threads(settings.threads)
        self.settings, self.device = settings, hardware.choose_device(settings)
        images, self.labels = random_images(TRAIN_IMAGES)
        self.images = scaled(images)

    def load(self, variant: Variant) -> None:
        """Get ready to train `variant`."""
        self.reference = Reference(variant, self.settings, SEED, self.device)
        order = shuffled(TRAIN_IMAGES, SEED, epoch=1)
        self.batches = [batch.numpy() for batch in order.split(self.settings.batch_size)]
        self.done = 0

    def train(self, steps: int) -> float:
        """Take training steps; return the seconds they took."""
        start = clock(self.device)
        for _ in range(steps):
            batch = self.batches[self.done % len(self.batches)]
            self.reference.step(self.images[batch], self.labels[batch])
            self.done += 1
        return clock(self.device) - start


class Engine:
    """The project's Trainer, as train.py sets it up."""

    def __init__(self, settings: TrainingSettings) -> None:
        self.settings = settings
        device = hardware.choose_device(settings)
        images, labels = random_images(TRAIN_IMAGES)
        self.part = (
            torch.from_numpy(images).to(device),
            torch.from_numpy(labels).long().to(device),
        )

    def load(self, variant: Variant) -> None:
        """Get ready to train `variant`."""
        self.plan = hardware.choose_plan(self.settings, variant)
        hardware.prepare(self.plan, self.settings.threads)
        self.trainer = Trainer(variant, self.settings, SEED, self.plan, self.part)
        self.trainer.begin_epoch(epoch=1)
        self.done = 0

    def train(self, steps: int) -> float:
        """Take training steps; return the seconds they took."""
        start = clock(self.plan.device)
        for _ in range(steps):
            self.trainer.train_step(self.done % len(self.trainer.batches))
            self.done += 1
        return clock(self.plan.device) - start

    def breakdown(self, steps: int) -> dict[str, float]:
        """Milliseconds of a step by kind of operation, see `milliseconds_by_kind`."""
        return milliseconds_by_kind(self.train, steps)

    def evaluate(self, number: int) -> float:
        """Seconds to find loss and accuracy of `number` images."""
        images, labels = self.part
        start = time.perf_counter()
        self.trainer.validate((images[:number], labels[:number]))
        return time.perf_counter() - start

    def arithmetic_rate(self) -> tuple[float, str]:
        """Floating-point operations in a second at the plan's precision, and of which call."""
        return arithmetic_rate(self.plan)

    def copy_rate(self, size: int) -> float:
        """Bytes in a second while `size` bytes are copied."""
        return copy_rate(self.plan.device, size)


class Worker:
    """A process that holds a `Peer` or an `Engine` and calls its methods on demand."""

    def __init__(self, kind: Callable[[TrainingSettings], Measured], settings: TrainingSettings):
        context = multiprocessing.get_context("spawn")  # a fork would share what torch has set
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(kind, settings, other), daemon=True)
        self.process.start()
        other.close()

    def call(self, method: str, *arguments: object) -> Any:
        """The result of `method` in the process; an exception there is raised here."""
        self.start(method, *arguments)
        return self.result()

    def start(self, method: str, *arguments: object) -> None:
        """Call `method` in the process without waiting for its `result`."""
        self.connection.send((method, arguments))

    def result(self) -> Any:
        """The result of the call that was started."""
        try:
            result = self.connection.recv()
        except EOFError:
            raise UserError("a measuring process ended too early; is memory short?") from None
        if isinstance(result, Exception):
            raise result
        return result

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.connection.close()
        self.process.join()


def together(workers: Sequence[Worker], method: str, *arguments: object) -> list[Any]:
    """The results of `method` in all workers, which work at the same time."""
    for worker in workers:
        worker.start(method, *arguments)
    return [worker.result() for worker in workers]


def _serve(
    kind: Callable[[TrainingSettings], Measured], settings: TrainingSettings, connection: Connection
) -> None:
    measured: Measured | None = None
    while True:
        try:
            method, arguments = connection.recv()
        except EOFError:
            return
        try:
            measured = measured or kind(settings)
            result = getattr(measured, method)(*arguments)
        except Exception as error:
            result = error
        connection.send(result)
