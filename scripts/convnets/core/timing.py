"""Time and memory of a call."""

import ctypes
import math
import timeit
import tracemalloc
from collections.abc import Callable
from pathlib import Path

Call = Callable[[], object]
FEWEST_CALLS, MOST_CALLS = 2, 20


def fastest(call: Call, enough_seconds: float) -> float:
    """Seconds of the fastest of several calls, which take about `enough_seconds` in total.

    Other work of the machine only slows calls down.
    """
    timer = timeit.Timer(call)
    first = timer.timeit(1)
    number = math.ceil(min(max(enough_seconds / first, FEWEST_CALLS), MOST_CALLS))
    return min(first, *timer.repeat(number - 1, 1))


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
