"""Where the time of a training step goes, by kind of operation."""

import statistics
import time
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

KINDS = {
    "convolution backward": ("convolution_backward", "ConvolutionBackward", "StemBackward"),
    "convolution forward": ("convolution", "conv2d", "_Convolution", "_Stem"),
    "pooling": ("pool", "Pooling", "AverageTo2x2"),
    "relu": ("relu", "_Relu", "clamp_min", "threshold"),
    "optimiser": ("Optimizer", "adam", "sgd"),
    "zero fill": ("fill_", "zero_"),
}
"""Kinds, and parts of the names of their operations; the first kind that fits counts.

A stem (`convnets.kernels`) counts as a convolution, with the ReLU and pooling that are part of it.
"""
REST = "rest"
"""Everything else: loss, linear layers, casts, gathering of images, and Python between them."""


def milliseconds_by_kind(train: Callable[[int], float], steps: int) -> dict[str, float]:
    """Milliseconds of a step in each kind of operation, on a processor.

    `train` takes so many steps. The shares are medians over steps under the profiler, which slows
    down; the sum is the time of steps without it.
    """
    whole = 1e3 * train(steps) / steps
    profiles = [_profile(train) for _ in range(steps)]
    spent = {kind: statistics.median(one[kind] for one in profiles) for kind in profiles[0]}
    return {kind: value * whole / sum(spent.values()) for kind, value in spent.items()}


def _profile(train: Callable[[int], float]) -> dict[str, float]:
    """Microseconds of one step in each kind of operation."""
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        start = time.perf_counter()
        train(1)
        whole = 1e6 * (time.perf_counter() - start)
    spent = dict.fromkeys([*KINDS, REST], 0.0)
    for event in recorded.key_averages():
        spent[kind_of(event.key)] += event.self_cpu_time_total
    spent[REST] += whole - sum(spent.values())
    return spent


def kind_of(operation: str) -> str:
    """The kind of an operation, by its name in the profile."""
    kinds = (kind for kind, names in KINDS.items() if any(name in operation for name in names))
    return next(kinds, REST)
