"""A training step recorded once on a GPU and then replayed.

The steps of these networks are dozens of kernels of microseconds each: launched one by one,
most of the time is the launching. A replayed graph runs the same kernels without it.
"""

import contextlib
from collections.abc import Callable, Iterator
from itertools import zip_longest

import torch
from torch import Tensor, nn

TrainingStep = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Takes indices of images (batch,), gives loss and hits."""
REHEARSALS = 3
"""Steps before recording, in which libraries choose algorithms and the optimiser its memory."""


def record(
    step: TrainingStep, batch: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer
) -> TrainingStep:
    """`step` as a CUDA graph, for batches as large as `batch`; weights stay as they are.

    The results of a replay stand where those of the one before stood: read or copy them first.
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
    """Undo what the block does to weights and optimiser, in place: a graph knows addresses."""
    before = [tensor.clone() for tensor in _tensors(network, optimizer)]
    yield
    with torch.no_grad():
        for tensor, value in zip_longest(_tensors(network, optimizer), before):
            # A new optimiser has no tensors before its first step; all of them begin with zeros.
            tensor.copy_(torch.zeros_like(tensor) if value is None else value)


def _tensors(network: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    moments = (tensor for state in optimizer.state.values() for tensor in state.values())
    return [*network.state_dict().values(), *moments]
