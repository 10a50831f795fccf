"""The keys, checks and geometry of all pooling layers (paper, Section 3)."""

from collections.abc import Callable
from typing import Any

from convnets.architectures.method import Key, Method, VariantError
from convnets.architectures.operations import Convolution, Pooling
from convnets.core.kinds import Padding, Pixels

Tensor = Any
"""A tensor of PyTorch, which is only imported to compute: the configuration does not need it."""
KEYS = {
    "pool_size": Key(Pixels, 2, "Pooling window F (paper, Section 4).", ", F = {}"),
    "pool_padding": Key(
        Padding, 1, "Reading: padding of the pooling windows; the paper's default padding is 1."
    ),
    "pool_stride": Key(
        Pixels,
        None,
        "Stride of the pooling windows, which overlap where it is smaller than `pool_size`. Empty: "
        "`pool_size` (paper, Section 4).",
    ),
}


def pooling_method(
    title: str, pool: Callable[..., Tensor], colour: str, marker: str, **more: Any
) -> Method:
    """A method that pools after each convolution; `pool` and `more` are fields of `Pooling`."""

    def context(
        before: Convolution, pool_size: int, pool_padding: int, pool_stride: int | None
    ) -> Pooling:
        if pool_padding > pool_size // 2:
            found = f"pool_padding is {pool_padding} with pool_size {pool_size}"
            problem = f"{found}, expected at most half the pool size"
            raise VariantError(problem, "pool_padding", "pool_size")
        channels, stride = (before.channels[1], before.channels[1]), pool_stride or pool_size
        return Pooling(channels, before.size[1], pool_size, pool_padding, stride, pool=pool, **more)

    return Method(title, colour, marker, context, KEYS)
