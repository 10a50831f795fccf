"""The shape arithmetic that convolution and pooling share: a window that slides over features."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convnets.core.errors import UserError


@dataclass(frozen=True)
class Window:
    """A kernel or pool of `size` (height, width), and how it slides.

    It moves `stride` pixels at a time over features with `padding` more pixels at each edge.
    Its elements are `dilation` pixels apart (paper, Section 3 and Figure 7).
    """

    size: tuple[int, int]
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def __post_init__(self) -> None:
        for name, found, least in (
            ("stride", self.stride, 1),
            ("padding", self.padding, 0),
            ("dilation", self.dilation, 1),
            ("window height", self.size[0], 1),
            ("window width", self.size[1], 1),
        ):
            if found < least:
                raise UserError(f"{name} is {found}, expected {least} or more")

    @property
    def elements(self) -> Iterator[tuple[int, int]]:
        """Row and column, from 0, of each element of the window."""
        yield from np.ndindex(*self.size)

    @property
    def area(self) -> int:
        """Number of elements."""
        return math.prod(self.size)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of places of the window on features of this height and width.

        Raises `UserError` if it does not fit, with the direction and the size that is too large.
        """
        rows, columns = map(self._places, ("height", "width"), self.size, (height, width))
        return rows, columns

    def pad(self, features: np.ndarray, value: float = 0.0) -> np.ndarray:
        """Put `padding` pixels of `value` at each edge (paper, Figure 2)."""
        if self.padding == 0:
            return features
        padded = np.full(self.padded_shape(features.shape), value, features.dtype)
        self.crop(padded)[:] = features
        return padded

    def padded_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that features of (batch, channels, height, width) have after `pad`."""
        batch, channels, height, width = shape
        return batch, channels, height + 2 * self.padding, width + 2 * self.padding

    def crop(self, padded: np.ndarray) -> np.ndarray:
        """The inverse of `pad`: a view without the padding."""
        height, width = padded.shape[2:]
        p = self.padding
        return padded[:, :, p : height - p, p : width - p]

    def at(self, padded: np.ndarray, row: int, column: int) -> np.ndarray:
        """The pixels that the window's element at `row`, `column` meets, at every place.

        A view of `padded` (batch, channels, padded height, padded width), with the shape of the
        output: (batch, channels, output height, output width).
        """
        height, width = padded.shape[2:]
        rows, columns = self.output_size(height - 2 * self.padding, width - 2 * self.padding)
        top, left = self.dilation * row, self.dilation * column
        bottom = top + self.stride * (rows - 1) + 1
        right = left + self.stride * (columns - 1) + 1
        return padded[:, :, top : bottom : self.stride, left : right : self.stride]

    def _places(self, direction: str, elements: int, pixels: int) -> int:
        padded, extent = pixels + 2 * self.padding, self.dilation * (elements - 1) + 1
        if pixels < 1:
            raise UserError(f"the input's {direction} is {pixels}, expected 1 or more")
        if extent > padded:
            raise UserError(
                f"a window of {direction} {elements} with dilation {self.dilation} covers "
                f"{extent} pixels, but the input's {direction} of {pixels} with padding "
                f"{self.padding} has {padded}; make window or dilation smaller, or the padding "
                f"{math.ceil((extent - pixels) / 2)} or more"
            )
        return (padded - extent) // self.stride + 1
