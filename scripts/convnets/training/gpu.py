"""Places on GPUs, so that no more processes of a user share a GPU than the configuration allows.

A place is a lock file. The kernel releases the lock when the process ends, however it ends.
"""

import contextlib
import getpass
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from filelock import FileLock, Timeout

POLL_SECONDS = 1.0
Check = Callable[[], None]
LogLine = Callable[[str], None]


@contextlib.contextmanager
def place_on_gpu(device: str, runs_per_gpu: int, check: Check, log: LogLine) -> Iterator[None]:
    """Wait for a free place on a GPU and compute there; on a processor do nothing.

    The GPUs are those that PyTorch sees (`CUDA_VISIBLE_DEVICES`). The process is limited to its
    share of the GPU's memory. `check` is called while waiting.
    """
    if device == "cpu":
        yield
        return
    numbers = {
        str(torch.cuda.get_device_properties(number).uuid): number
        for number in range(torch.cuda.device_count())
    }
    folder = Path(tempfile.gettempdir()) / f"convnets-{getpass.getuser()}"
    folder.mkdir(exist_ok=True)
    with free_place(list(numbers), runs_per_gpu, folder, check, log) as gpu:
        torch.cuda.set_device(numbers[gpu])
        torch.cuda.set_per_process_memory_fraction(1 / runs_per_gpu)
        yield


@contextlib.contextmanager
def free_place(
    gpus: list[str], runs_per_gpu: int, folder: Path, check: Check, log: LogLine
) -> Iterator[str]:
    """Hold a place on one of `gpus`, the least used first, and return the name of the GPU."""
    places = [
        (gpu, FileLock(folder / f"{gpu}.{place}.lock", timeout=0, fallback_to_soft=False))
        for place in range(runs_per_gpu)
        for gpu in gpus
    ]
    for attempt in itertools.count():
        for gpu, lock in places:
            with contextlib.suppress(Timeout), lock:
                yield gpu
                return
        if attempt == 0:
            log(f"waiting for a place on a GPU: all {len(places)} are taken")
        check()
        time.sleep(POLL_SECONDS)
