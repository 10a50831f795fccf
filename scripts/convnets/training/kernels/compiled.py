"""Elementwise passes of a training step, compiled by Numba for one thread.

Features are flat arrays of (batch, height, width, channels), where `channels` is a multiple of
`LANES`; bfloat16 values are the int16 of their bits. Sums are float32, in PyTorch's order, and are
rounded to PyTorch's bits when stored. NaN passes ReLU and wins a maximum, as in PyTorch.
"""

import contextlib
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from filelock import FileLock
from numba.core.caching import FunctionCache

from convnets.training.kernels import lanes
from convnets.training.kernels.lanes import (
    LANES,
    add_products,
    convolve,
    filled,
    load,
    load_taps,
    over,
    plus,
    rounded,
    store,
    store_taps,
    where_above,
    where_bits,
)

POSITION_BITS, POSITION_MASK = 4, 15
"""Lowest bits of a window's notes: the tap of the maximum. Each bit above marks a positive tap."""
NOWHERE = 15
"""Position of the maximum in a window without positive taps, which passes no gradient."""
LANES_CODE = hashlib.sha256(Path(lanes.__file__).read_bytes()).hexdigest()
"""Digest of the code that is compiled into every function of this module."""


class _Cache(FunctionCache):
    """Compiled code on disk; if it cannot be written, each process compiles for itself.

    A lock keeps two processes from giving the same file name to different functions.
    """

    def save_overload(self, sig: Any, data: Any) -> None:
        lock = FileLock(Path(self._cache_path) / "lock", timeout=10, fallback_to_soft=False)
        with contextlib.suppress(OSError), lock:
            super().save_overload(sig, data)

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return *super()._index_key(sig, codegen), LANES_CODE  # Numba's key covers this file only


def compiled(function: Callable[..., Any]) -> Any:
    """`function`, compiled at its first call and cached on disk if a folder is writable."""
    dispatcher: Any = numba.njit(error_model="numpy")(function)
    with contextlib.suppress(RuntimeError):  # neither this folder nor the user's cache is writable
        dispatcher._cache = _Cache(function)
    return dispatcher


@compiled
def relu(values, features, out):  # type: ignore[no-untyped-def]
    """`values` where `features` are positive or NaN, else zeros; `out` may be `values`.

    ReLU itself if `values` are `features`; its backward pass if they are gradients.
    """
    zero = filled(0)
    for index in range(0, values.size, LANES):
        value = load(values, index)
        store(out, index, where_above(load(features, index), zero, value, zero))


@cache
def pooling(maximum: bool, average: bool, window: int, stem: bool) -> Any:
    """A kernel for ReLU and pooling: the maximum, the average, or the sum of both.

    Geometry is (batch, height, width, channels, rows, columns, stride, padding). Each output has
    unsigned `notes` for the backward pass (`POSITION_BITS`). With `stem`, the kernel computes the
    features as the 3 x 3 convolution of padded pixels, float32 (batch, height + 2, width + 2), with
    `weights`, float32 (9, channels), and never writes them to memory.
    """
    border = 2 if stem else 0

    @compiled
    def forward(features, weights, geometry, out, notes):  # type: ignore[no-untyped-def]
        batch, height, width, channels, rows, columns, stride, padding = geometry
        zero, nowhere, area = filled(0), filled(NOWHERE), filled(window * window)
        for n in range(batch):
            for channel in range(0, channels, LANES):
                index = n * rows * columns * channels + channel
                if stem:
                    taps = load_taps(weights, channel, channels)
                for row in range(rows):
                    for column in range(columns):
                        top, left = row * stride - padding, column * stride - padding
                        best, position, total, marks = zero, nowhere, zero, zero
                        for tap in range(window * window):
                            y, x = top + tap // window, left + tap % window
                            if 0 <= y < height and 0 <= x < width:
                                pixel = (n * (height + border) + y) * (width + border) + x
                                if stem:
                                    value = convolve(features, pixel, width + 2, taps)
                                    value = rounded(out, value)
                                else:
                                    value = load(features, pixel * channels + channel)
                                if average:
                                    total = plus(total, where_above(value, zero, value, zero))
                                    mark = filled(1 << (POSITION_BITS + tap))
                                    marks = plus(marks, where_above(value, zero, mark, zero))
                                if maximum:
                                    position = where_above(value, best, filled(tap), position)
                                    best = where_above(value, best, value, best)
                        store(out, index, plus(best, rounded(out, over(total, area))))
                        store(notes, index, plus(position, marks))
                        index += channels

    return forward


@cache
def pooling_backward(average: bool, window: int, stem: bool) -> Any:
    """Backward pass of `pooling` without overlaps; a `stem` adds its weight gradient to `out`."""
    border = 2 if stem else 0

    @compiled
    def backward(gradient, notes, pixels, geometry, out):  # type: ignore[no-untyped-def]
        batch, height, width, channels, rows, columns, stride, padding = geometry
        area = filled(window * window)
        for n in range(batch):
            for channel in range(0, channels, LANES):
                index = n * rows * columns * channels + channel
                if stem:
                    sums = load_taps(out, channel, channels)
                for row in range(rows):
                    for column in range(columns):
                        top, left = row * stride - padding, column * stride - padding
                        given, noted = load(gradient, index), load(notes, index)
                        share = rounded(gradient, over(given, area))
                        index += channels
                        for tap in range(window * window):
                            y, x = top + tap // window, left + tap % window
                            if 0 <= y < height and 0 <= x < width:
                                passed = where_bits(noted, 0, POSITION_MASK, tap, given)
                                if average:
                                    shift = POSITION_BITS + tap
                                    passed = plus(passed, where_bits(noted, shift, 1, 1, share))
                                pixel = (n * (height + border) + y) * (width + border) + x
                                if stem:
                                    passed = rounded(gradient, passed)
                                    sums = add_products(pixels, pixel, width + 2, sums, passed)
                                else:
                                    store(out, pixel * channels + channel, passed)
                if stem:
                    store_taps(out, channel, channels, sums)

    return backward


@compiled
def average_to_2x2(features, geometry, out):  # type: ignore[no-untyped-def]
    """ReLU and `AverageTo2x2`; geometry is (batch, width, channels)."""
    batch, width, channels = geometry
    window, stride = (width + 1) // 2, width // 2
    zero, area, index = filled(0), filled(window * window), 0
    for n in range(batch):
        for quarter in range(4):
            top, left = quarter // 2 * stride, quarter % 2 * stride
            for channel in range(0, channels, LANES):
                total = zero
                for y in range(top, top + window):
                    for x in range(left, left + window):
                        value = load(features, ((n * width + y) * width + x) * channels + channel)
                        total = plus(total, where_above(value, zero, value, zero))
                store(out, index, over(total, area))
                index += LANES


@compiled
def average_to_2x2_backward(gradient, features, geometry, out):  # type: ignore[no-untyped-def]
    """Gradient before `average_to_2x2`, two of whose means share the middle of an odd width."""
    batch, width, channels = geometry
    window, stride = (width + 1) // 2, width // 2
    zero, area, index = filled(0), filled(window * window), 0
    for n in range(batch):
        for y in range(width):
            for x in range(width):
                for channel in range(0, channels, LANES):
                    total = zero
                    for quarter in range(4):
                        i, j = y - quarter // 2 * stride, x - quarter % 2 * stride
                        if 0 <= i < window and 0 <= j < window:
                            place = (4 * n + quarter) * channels + channel
                            total = plus(total, over(load(gradient, place), area))
                    store(out, index, where_above(load(features, index), zero, total, zero))
                    index += LANES
