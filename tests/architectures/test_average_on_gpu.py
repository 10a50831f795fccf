"""Average pooling for GPUs, on a processor: PyTorch's results and gradients, to the last bit."""

import pytest
import torch
from torch.nn.functional import avg_pool2d

from convnets.architectures.pytorch import average_on_gpu

CASES = [(28, 2, 1), (15, 2, 1), (28, 3, 1), (4, 3, 1), (28, 2, 0), (15, 2, 0), (3, 3, 1)]
"""Width of the features, window, padding."""
LAYOUTS = torch.channels_last, torch.contiguous_format


def features_of(width: int, dtype: torch.dtype, layout: torch.memory_format) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(7, 16, width, width, generator=generator).to(dtype)
    return features.contiguous(memory_format=layout)


def with_gradient(pooled: torch.Tensor, features: torch.Tensor) -> tuple[torch.Tensor, ...]:
    weights = torch.arange(pooled.numel(), device=pooled.device).view(pooled.shape).cos()
    return pooled, *torch.autograd.grad(pooled, features, weights.to(pooled.dtype))


@pytest.mark.parametrize(("width", "window", "padding"), CASES)
@pytest.mark.parametrize("stride", [None, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_bits_are_those_of_pytorch(
    width: int,
    window: int,
    padding: int,
    stride: int | None,
    dtype: torch.dtype,
    layout: torch.memory_format,
) -> None:
    windows = window, stride or window, padding
    features = features_of(width, dtype, layout).requires_grad_()
    expected = with_gradient(avg_pool2d(features, *windows), features)
    found = with_gradient(average_on_gpu(features, *windows), features)
    assert all(map(torch.equal, expected, found))
