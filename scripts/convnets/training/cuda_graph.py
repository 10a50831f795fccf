"""A training step recorded once on a GPU and then replayed.

A step of these networks is dozens of kernels of a few microseconds each, and launching them one by
one takes most of the time. A replayed graph runs the same kernels without launching them.
"""

import contextlib
from collections.abc import Callable, Iterator
from itertools import zip_longest

import torch
from torch import Tensor, nn

TrainingStep = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From the indices of images (batch,) to their mean loss and number of correct predictions."""
REHEARSALS = 3
"""Steps before recording, during which libraries choose algorithms and memory is allocated."""


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
        for tensor, value in zip_longest(_tensors(network, optimizer), before):
            # A new optimiser has no tensors before its first step; then all are zeros.
            tensor.copy_(torch.zeros_like(tensor) if value is None else value)


def _tensors(network: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    moments = (tensor for state in optimizer.state.values() for tensor in state.values())
    return [*network.state_dict().values(), *moments]
