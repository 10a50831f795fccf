"""What an image passes in a network, one operation after the other, as frozen values."""

import math
from dataclasses import dataclass
from typing import Literal

PoolingMethod = Literal["max_pool", "avg_pool", "max_avg_pool", "mix_pool"]


@dataclass(frozen=True)
class Convolution:
    """A square convolution followed by ReLU. Sizes in pixels, `size` is (input, output)."""

    channels: tuple[int, int]
    size: tuple[int, int]
    kernel_size: int
    padding: int
    stride: int = 1
    dilation: int = 1
    bias: bool = False

    @property
    def parameters(self) -> int:
        """Learnable numbers: F x F weights per pair of channels, and the biases."""
        return math.prod(self.channels) * self.kernel_size**2 + self.bias * self.channels[1]

    @property
    def multiply_adds(self) -> int:
        """Multiplications with a following addition, for one image."""
        return math.prod(self.channels) * self.kernel_size**2 * self.size[1] ** 2

    @property
    def window(self) -> int:
        """Extent of the (dilated) kernel in pixels of its input."""
        return self.dilation * (self.kernel_size - 1) + 1


@dataclass(frozen=True)
class Pooling:
    """Pooling windows, which overlap where the stride is smaller than the window."""

    kind: PoolingMethod
    channels: int
    size: tuple[int, int]
    window: int
    padding: int
    stride: int
    multiply_adds: int = 0

    @property
    def parameters(self) -> int:
        """Learnable numbers: the share of the maximum where it is learned."""
        return int(self.kind == "mix_pool")


@dataclass(frozen=True)
class Linear:
    """A fully-connected layer from `features[0]` to `features[1]` units."""

    features: tuple[int, int]
    bias: bool = False

    @property
    def parameters(self) -> int:
        """Learnable numbers."""
        return math.prod(self.features) + self.bias * self.features[1]

    @property
    def multiply_adds(self) -> int:
        """Multiplications with a following addition, for one image."""
        return math.prod(self.features)


Operation = Convolution | Pooling | Linear
