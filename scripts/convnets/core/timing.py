"""How long a call takes, and how much memory."""

import ctypes
import math
import time
import tracemalloc
from collections.abc import Callable

Call = Callable[[], object]

FEWEST_CALLS, MOST_CALLS = 2, 20


def fastest(call: Call, enough_seconds: float) -> float:
    """Seconds of the fastest of some calls: what else the machine does can only slow one down.

    Calls end when they have taken `enough_seconds` altogether.
    """
    seconds: list[float] = []
    while len(seconds) < FEWEST_CALLS or (
        sum(seconds) < enough_seconds and len(seconds) < MOST_CALLS
    ):
        seconds.append(_seconds(call))
    return min(seconds)


def peak_of_numpy(call: Call) -> float:
    """Bytes of all that NumPy held at once in `call`, its result included, its inputs not."""
    tracemalloc.start()
    try:
        call()
        return float(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def peak_of_process(call: Call) -> float:
    """Bytes by which `call` makes the process grow, to some hundred thousand, at its peak.

    For libraries that do not tell what they allocate. Linux counts; elsewhere it is NaN.
    """
    call()  # what is loaded and kept for good does not count
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # forget the last peak
        before = _status("VmRSS")
        call()
        return float(_status("VmHWM") - before)
    except (OSError, AttributeError, ValueError):
        return math.nan


def _seconds(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _status(key: str) -> int:
    """Bytes that Linux counts for this process."""
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith(f"{key}:"))  # ValueError without it
    return int(line.split()[1]) * 1024
