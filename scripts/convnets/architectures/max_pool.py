"""Max pooling: the maximum of each window (paper, Section 3)."""

from convnets.architectures.pooling import Tensor, pooling_method


def pool(features: Tensor, window: int, stride: int, padding: int) -> Tensor:
    """The maximum of each window."""
    from torch.nn.functional import max_pool2d

    return max_pool2d(features, window, stride, padding)


# The maximum of a window of clamped values is the clamped maximum of the window.
METHOD = pooling_method("max pooling", pool, "#0072B2", "^", relu_can_follow=True)
