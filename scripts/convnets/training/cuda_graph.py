"""A training step recorded once on a GPU and then replayed.

The steps of these networks are dozens of kernels of microseconds each: launched one by one,
most of the time is the launching. A replayed graph runs the same kernels without it.
"""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

Step = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Takes indices of images (batch,), gives loss and hits."""
REHEARSALS = 3
"""Steps before recording, in which libraries choose algorithms and the optimiser its memory."""


def record(step: Step, batch: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer) -> Step:
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
    weights = [tensor.clone() for tensor in network.state_dict().values()]
    moments = [tensor.clone() for tensor in _moments(optimizer)]
    yield
    with torch.no_grad():
        for tensor, before in zip(network.state_dict().values(), weights, strict=True):
            tensor.copy_(before)
        for index, tensor in enumerate(_moments(optimizer)):
            if moments:
                tensor.copy_(moments[index])
            else:
                tensor.zero_()  # as the optimiser begins


def _moments(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [tensor for state in optimizer.state.values() for tensor in state.values()]
