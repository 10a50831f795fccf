"""Time and memory of a call."""

import ctypes
import math
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

Call = Callable[[], object]
FEWEST_CALLS, MOST_CALLS = 2, 20


def fastest(call: Call, enough_seconds: float) -> float:
    """Seconds of the fastest of several calls, as other work of the machine only slows calls down.

    Calls are repeated until they have taken `enough_seconds` in total.
    """
    seconds: list[float] = []
    while len(seconds) < FEWEST_CALLS or (
        sum(seconds) < enough_seconds and len(seconds) < MOST_CALLS
    ):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def peak_of_numpy(call: Call) -> float:
    """Largest memory in bytes that NumPy allocated in `call`, result included, inputs excluded."""
    tracemalloc.start()
    try:
        call()
        return float(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def peak_of_process(call: Call) -> float:
    """Largest growth of the process in `call`, in bytes, to within some hundred thousand.

    For libraries that do not report their allocations. NaN outside of Linux.
    """
    call()  # loads what stays in memory, which does not count
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # forget the last peak
        before = _status("VmRSS")
        call()
        return float(_status("VmHWM") - before)
    except (OSError, AttributeError, KeyError):
        return math.nan


def _status(key: str) -> int:
    """An entry of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(dict(line.split(":", 1) for line in lines)[key].split()[0]) * 1024
