"""Average pooling: the mean of each window (paper, Section 3)."""

from convnets.architectures.pooling import Tensor, pooling_method


def pool(features: Tensor, window: int, stride: int, padding: int) -> Tensor:
    """The mean of each window, to which padding adds zeros."""
    from torch.nn.functional import avg_pool2d

    from convnets.architectures.pytorch import average_on_gpu

    if features.is_cuda:
        return average_on_gpu(features, window, stride, padding)
    return avg_pool2d(features, window, stride, padding)


METHOD = pooling_method("average pooling", pool, "#D55E00", "o")
