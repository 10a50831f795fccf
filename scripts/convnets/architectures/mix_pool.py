"""Mixed pooling: max and average pooling in a learned proportion, beyond the paper."""

from convnets.architectures import avg_pool, max_pool
from convnets.architectures.pooling import Tensor, pooling_method


def pool(features: Tensor, window: int, stride: int, padding: int, mixture: Tensor) -> Tensor:
    """The maximum and the mean of each window, in a proportion that the layer learns."""
    windows, share = (window, stride, padding), mixture.sigmoid()  # begins at one half
    mean = avg_pool.pool(features, *windows)
    return share * max_pool.pool(features, *windows) + (1 - share) * mean


METHOD = pooling_method("mixed pooling", pool, "#999999", "*", learned=("mixture",))
