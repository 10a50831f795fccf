"""Max+average pooling: their sum, the layer that the paper introduces (Section 3)."""

from convnets.architectures import avg_pool, max_pool
from convnets.architectures.pooling import Tensor, pooling_method


def pool(features: Tensor, window: int, stride: int, padding: int) -> Tensor:
    """The sum of the maximum and the mean of each window."""
    windows = window, stride, padding
    return max_pool.pool(features, *windows) + avg_pool.pool(features, *windows)


METHOD = pooling_method("max+average pooling", pool, "#CC79A7", "s")
