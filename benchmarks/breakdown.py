"""Time of a training step by kind of operation."""

import statistics
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile, schedule

KINDS = {
    "convolution backward": ("convolution_backward", "ConvolutionBackward", "StemBackward"),
    "convolution forward": ("convolution", "conv2d", "_Convolution", "_Stem"),
    "pooling": ("pool", "Pooling", "AverageTo2x2"),
    "relu": ("relu", "_Relu", "clamp_min", "threshold"),
    "optimiser": ("Optimizer", "adam", "sgd"),
    "zero fill": ("fill_", "zero_"),
}
"""Kinds, and parts of the names of their operations; the first kind that fits counts.

A stem (`convnets.training.kernels`) counts as a convolution, with the ReLU and pooling that are
part of it.
"""
WARM_UP_STEPS = 2
REST = "rest"
"""Everything else: loss, linear layers, casts, gathering of images, and Python between them."""


def milliseconds_by_kind(train: Callable[[int], float], steps: int) -> dict[str, float]:
    """Milliseconds of a step in each kind of operation, on a processor.

    `train` takes so many steps. The shares are medians over steps under the profiler, which slows
    down; the sum is the time of steps without it.
    """
    whole = 1e3 * train(steps) / steps
    plan = schedule(wait=0, warmup=WARM_UP_STEPS, active=steps)
    with profile(activities=[ProfilerActivity.CPU], schedule=plan) as recorded:
        for step in range(WARM_UP_STEPS + steps):
            if step:
                recorded.step()
            train(1)
    events = sorted(recorded.events(), key=lambda event: event.time_range.start)
    each: list[dict[str, float]] = []
    for event in events:
        if event.name.startswith("ProfilerStep"):
            each.append(dict.fromkeys([*KINDS, REST], 0.0))
        if each:
            each[-1][kind_of(event.name)] += event.self_cpu_time_total
    spent = {kind: statistics.median(step[kind] for step in each) for kind in each[0]}
    return {kind: value * whole / sum(spent.values()) for kind, value in spent.items()}


def kind_of(operation: str) -> str:
    """The kind of an operation, by its name in the profile."""
    kinds = (kind for kind, names in KINDS.items() if any(name in operation for name in names))
    return next(kinds, REST)
