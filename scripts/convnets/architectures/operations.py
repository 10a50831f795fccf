"""The operations of a network as frozen values."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from torch import nn


class Operation:
    """One operation of a network, with its arithmetic and its PyTorch module."""

    relu: ClassVar[bool] = True
    """Whether ReLU follows in hidden layers."""

    @property
    def parameters(self) -> int:
        """Number of learnable parameters."""
        return 0

    @property
    def multiply_adds(self) -> int:
        """Number of multiplications with a following addition, for one image."""
        return 0

    def module(self) -> "nn.Module":
        """A new PyTorch module."""
        raise NotImplementedError


@dataclass(frozen=True)
class Spatial(Operation):
    """An operation on windows of features. Widths are in pixels."""

    channels: tuple[int, int]
    """Channels of its input and output."""
    width: int
    """Width of its input."""
    kernel_size: int
    padding: int
    stride: int = 1
    dilation: int = 1

    @property
    def window(self) -> int:
        """Width of the (dilated) kernel, and so of the input region of one output."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def size(self) -> tuple[int, int]:
        """Widths of its input and output; less than 1 if no window fits."""
        return self.width, (self.width + 2 * self.padding - self.window) // self.stride + 1


@dataclass(frozen=True)
class Convolution(Spatial):
    """A square convolution."""

    bias: bool = False

    @property
    def parameters(self) -> int:
        """F x F weights for each pair of channels, and the biases."""
        return math.prod(self.channels) * self.kernel_size**2 + self.bias * self.channels[1]

    @property
    def multiply_adds(self) -> int:
        """F x F for each pair of channels and each output pixel."""
        return math.prod(self.channels) * self.kernel_size**2 * self.size[1] ** 2

    @property
    def has_idle_weights(self) -> bool:
        """Whether some weights of the kernel only ever meet padding."""
        starts = range(0, self.stride * self.size[1], self.stride)
        offsets = range(-self.padding, self.window - self.padding, self.dilation)
        return any(
            not any(0 <= start + offset < self.width for start in starts) for offset in offsets
        )

    def again(self, **changes: Any) -> "Convolution":
        """A following convolution with as many filters, and with `changes`."""
        channels = (self.channels[1], self.channels[1])
        return dataclasses.replace(self, channels=channels, width=self.size[1], **changes)

    def module(self) -> "nn.Module":
        """The convolution, whose weights are initialised with the whole network."""
        from torch import nn

        from convnets.architectures.pytorch import PaddedConvolution

        kind = PaddedConvolution if self.has_idle_weights else nn.Conv2d
        geometry = self.kernel_size, self.stride, self.padding, self.dilation
        return kind(*self.channels, *geometry, bias=self.bias)


@dataclass(frozen=True)
class Pooling(Spatial):
    """Pooling windows, which overlap if the stride is smaller than the window."""

    relu = False
    _: dataclasses.KW_ONLY
    pool: Callable[..., Any]
    """Function of features (batch, channels, height, width), window, stride, padding and the
    `learned` scalars."""
    learned: tuple[str, ...] = ()
    """Names of the scalars that each layer learns; they are initially zero."""
    relu_can_follow: bool = False
    """Whether pooling before ReLU has the same outputs and gradients, with less work."""

    @property
    def parameters(self) -> int:
        """The learned scalars."""
        return len(self.learned)

    def module(self) -> "nn.Module":
        """The pooling layer."""
        from convnets.architectures.pytorch import PoolingLayer

        return PoolingLayer(self)


@dataclass(frozen=True)
class Linear(Operation):
    """A fully-connected layer from `features[0]` to `features[1]` units."""

    features: tuple[int, int]
    bias: bool = False

    @property
    def parameters(self) -> int:
        """One weight for each pair of units, and the biases."""
        return math.prod(self.features) + self.bias * self.features[1]

    @property
    def multiply_adds(self) -> int:
        """One for each pair of units."""
        return math.prod(self.features)

    def module(self) -> "nn.Module":
        """The layer, whose weights are initialised with the whole network."""
        from torch import nn

        return nn.Linear(*self.features, bias=self.bias)
