"""Computing on GPUs: places, which limit the processes on a GPU, and recorded training steps.

A place is a lock file. The kernel releases the lock when the process ends, however it ends.
Launching the dozens of short kernels of a training step takes most of its time, which replaying a
recorded step avoids.
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
from torch import Tensor, nn

POLL_SECONDS = 1.0
Check = Callable[[], None]
LogLine = Callable[[str], None]
TrainingStep = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From the indices of images (batch,) to their mean loss and number of correct predictions."""
REHEARSALS = 3
"""Steps before recording, during which libraries choose algorithms and memory is allocated."""


@contextlib.contextmanager
def place_on_gpu(device: str, runs_per_gpu: int, check: Check, log: LogLine) -> Iterator[None]:
    """Wait for a place on a GPU and compute in its share of the memory; a processor needs none.

    The GPUs are those that PyTorch sees (`CUDA_VISIBLE_DEVICES`). `check` is called while waiting.
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


def record(
    step: TrainingStep, batch: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer
) -> TrainingStep:
    """`step` as a CUDA graph, for batches as large as `batch`; recording does not change weights.

    A replay overwrites the results of the previous one: read or copy them first.
    """
    batch = batch.clone()
    with put_back(network, optimizer):
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(REHEARSALS):
                step(batch)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            results = step(batch)

    def replay(indices: Tensor) -> tuple[Tensor, Tensor]:
        batch.copy_(indices)
        graph.replay()
        return results

    return replay


@contextlib.contextmanager
def put_back(network: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Undo the changes of the block to weights and optimiser, in place: a graph has addresses."""
    before = [tensor.clone() for tensor in _tensors(network, optimizer)]
    yield
    with torch.no_grad():
        for tensor, value in itertools.zip_longest(_tensors(network, optimizer), before):
            # A new optimiser has no tensors before its first step; then all are zeros.
            tensor.copy_(torch.zeros_like(tensor) if value is None else value)


def _tensors(network: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    moments = (tensor for state in optimizer.state.values() for tensor in state.values())
    return [*network.state_dict().values(), *moments]
