"""A place on a GPU: processes of one user share the GPUs of a machine without crowding them.

Each GPU has as many places as runs may share it. A place is a lock file, which the kernel gives
up when the process ends, however that happens.
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
    """Compute on a GPU that has a free place, once there is one; on a processor do nothing.

    The GPUs are those that PyTorch sees (`CUDA_VISIBLE_DEVICES`). A process takes no more than
    its share of the GPU's memory. `check` is called while waiting.
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
    """Hold a place on one of `gpus`, the least used first; gives the name of the GPU."""
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
