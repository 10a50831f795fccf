"""Rates of this machine: arithmetic and copies per second of the fastest operations found.

A bound must not be beaten by what it bounds. A large square matrix product is not always the
fastest: libraries have convolutions that beat their matrix products. So several shapes of
both are tried, and the best counts.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

import torch

from convnets.training.hardware import Plan

SHAPES = {
    "cpu": ((2048, 2048, 2048), (8192, 1024, 1024)),
    "cuda": ((8192, 8192, 8192), (16384, 4096, 4096)),
}
"""Rows, inner size and columns of the matrix products, by type of device."""
CONVOLUTIONS = ((256, 14), (128, 28))
"""Channels and width of features of the 3x3 convolutions, channels last, of `BATCH` images."""
BATCH = 100
BLOCK_SECONDS = 0.02
"""Least duration of a timed block: many calls on a GPU, one on a processor."""
BLOCKS = 3
Call = Callable[[], object]


def arithmetic_rate(plan: Plan) -> tuple[float, str]:
    """Floating-point operations in a second, and the name of the operation that reached it.

    The process is prepared for `plan`: float32 tensors are multiplied in TF32 when it says so.
    """
    dtype = torch.bfloat16 if plan.precision == "bfloat16" else torch.float32
    with torch.no_grad():
        rates = [
            (operations / _seconds(call, plan.device), name)
            for name, operations, call in _candidates(plan.device, dtype)
        ]
    return max(rates)


def copy_rate(device: str, size: int) -> float:
    """Bytes read and written in a second while a tensor of `size` bytes is copied."""
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    return 2 * size / _seconds(lambda: target.copy_(source), device)


def clock(device: str) -> float:
    """Seconds on the clock of the measurement, once the device has done what it was given.

    One thread on a processor is timed by the processor time of the process: other programs on the
    same cores disturb that far less.
    """
    if device == "cuda":
        torch.cuda.synchronize()
    alone = device == "cpu" and torch.get_num_threads() == 1
    return time.process_time() if alone else time.perf_counter()


def _candidates(device: str, dtype: torch.dtype) -> Iterator[tuple[str, int, Call]]:
    """Name, floating-point operations and call of each operation to try."""
    for rows, inner, columns in SHAPES[device]:
        left = torch.randn(rows, inner, device=device, dtype=dtype)
        right = torch.randn(columns, inner, device=device, dtype=dtype).t()
        product = torch.empty(rows, columns, device=device, dtype=dtype)
        name = f"matrix product {rows}x{inner}x{columns}"
        call = partial(torch.mm, left, right, out=product)
        yield name, 2 * rows * inner * columns, call
    for channels, width in CONVOLUTIONS:
        features = torch.randn(BATCH, channels, width, width, device=device, dtype=dtype)
        weights = torch.randn(channels, channels, 3, 3, device=device, dtype=dtype)
        operations = 2 * BATCH * channels**2 * 9 * width**2
        features, weights = (
            tensor.contiguous(memory_format=torch.channels_last) for tensor in (features, weights)
        )
        name = f"3x3 convolution of {BATCH}x{channels}x{width}x{width}"
        yield name, operations, partial(torch.conv2d, features, weights, padding=1)


def _seconds(call: Call, device: str) -> float:
    """Seconds of a call, in the fastest of some blocks."""
    _block(call, 1, device)
    calls = 1
    while _block(call, calls, device) < BLOCK_SECONDS:
        calls *= 2
    return min(_block(call, calls, device) for _ in range(BLOCKS)) / calls


def _block(call: Call, calls: int, device: str) -> float:
    start = clock(device)
    for _ in range(calls):
        call()
    return clock(device) - start
