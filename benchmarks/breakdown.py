"""Where the time of a training step goes, by kind of operation."""

import time
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

KINDS = {
    "convolution backward": ("convolution_backward",),
    "convolution forward": ("convolution", "conv2d"),
    "pooling": ("pool",),
    "relu": ("relu", "clamp_min", "threshold"),
    "optimiser": ("Optimizer", "adam", "sgd"),
    "zero fill": ("fill_", "zero_"),
}
"""Kinds, and parts of the names of their operations; the first kind that fits counts."""
REST = "rest"
"""Everything else: loss, linear layers, casts, gathering of images, and Python between them."""


def milliseconds_by_kind(train: Callable[[int], float], steps: int) -> dict[str, float]:
    """Milliseconds of a step in each kind of operation, on a processor.

    `train` takes so many steps. The shares are those under the profiler, which slows down; the
    sum is that of steps without it.
    """
    start = time.perf_counter()
    train(steps)
    whole = 1e3 * (time.perf_counter() - start) / steps
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        start = time.perf_counter()
        train(steps)
        profiled = 1e3 * (time.perf_counter() - start) / steps
    spent = dict.fromkeys([*KINDS, REST], 0.0)
    for event in recorded.key_averages():
        spent[kind_of(event.key)] += event.self_cpu_time_total / 1e3 / steps
    spent[REST] += profiled - sum(spent.values())
    return {kind: value * whole / profiled for kind, value in spent.items()}


def kind_of(operation: str) -> str:
    """The kind of an operation, by its name in the profile."""
    kinds = (kind for kind, names in KINDS.items() if any(name in operation for name in names))
    return next(kinds, REST)
