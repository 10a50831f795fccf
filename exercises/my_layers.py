"""Your own layers: the exercises of the lesson "Implementing convolutional networks".

Replace each `raise NotImplementedError` by your code, in this order, and check it with

    make exercises

Features are (images, channels, height, width); kernels are (output channels, input channels,
height, width). All windows are square. Use NumPy only.
"""

import numpy as np

# Exercise 1


def output_size(pixels: int, size: int, stride: int, padding: int, dilation: int) -> int:
    """How many places a window of `size` elements has in one direction.

    There are `pixels` pixels, and `padding` more at each end.
    """
    raise NotImplementedError


# Exercise 2


def same_padding(size: int, dilation: int) -> int:
    """The padding with which a window of an odd `size` keeps the number of pixels.

    The stride is 1.
    """
    raise NotImplementedError


# Exercises 3 and 5


def im2col(features: np.ndarray, size: int, stride: int = 1, dilation: int = 1) -> np.ndarray:
    """The columns (channels * size * size, images * places) of features, which are padded already.

    Each column is a window. Rows are in the order channel, element's row, element's column; columns
    in the order image, place's row, place's column. A 3×3 image has four windows of 2×2 pixels:

        1 2 3     windows:  1 2   2 3   4 5   5 6     columns:  1 2 4 5
        4 5 6               4 5   5 6   7 8   8 9               2 3 5 6
        7 8 9                                                   4 5 7 8
                                                                5 6 8 9

    >>> im2col(np.arange(1, 10).reshape(1, 1, 3, 3), size=2)
    array([[1, 2, 4, 5],
           [2, 3, 5, 6],
           [4, 5, 7, 8],
           [5, 6, 8, 9]])

    Exercise 3 needs stride 1 and dilation 1 only, exercise 5 all of them.
    """
    raise NotImplementedError


def col2im(
    columns: np.ndarray,
    shape: tuple[int, int, int, int],
    size: int,
    stride: int = 1,
    dilation: int = 1,
) -> np.ndarray:
    """Features of `shape`: each number of the columns is added to the pixel `im2col` takes it from.

    With columns of ones, the result is the number of windows over each pixel:

    >>> col2im(np.ones((4, 4), int), (1, 1, 3, 3), size=2).astype(int)
    array([[[[1, 2, 1],
             [2, 4, 2],
             [1, 2, 1]]]])
    """
    raise NotImplementedError


# Exercise 4


class MyConvolution:
    """A convolution with stride 1 and without padding, by `im2col` and one matrix product."""

    def __init__(self, kernels: np.ndarray, bias: np.ndarray) -> None:
        """`kernels` are (outputs, inputs, size, size), `bias` (outputs,)."""
        self.kernels, self.bias = kernels, bias

    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        """The outputs: (images, output channels, height, width)."""
        raise NotImplementedError

    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        """The gradients with respect to the inputs, in their shape."""
        raise NotImplementedError

    def grads_wrt_params(
        self, inputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> list[np.ndarray]:
        """The gradients with respect to kernels and bias, in their shapes."""
        raise NotImplementedError


# Exercise 6


class MyAveragePooling:
    """The mean of each window of `size` by `size` pixels; a new window every `stride` pixels."""

    def __init__(self, size: int, stride: int) -> None:
        self.size, self.stride = size, stride

    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        """The means: (images, channels, height, width)."""
        raise NotImplementedError

    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        """The gradients with respect to the inputs. Windows may overlap, and leave pixels out."""
        raise NotImplementedError


# Exercise 7


class MyPointwiseConvolution:
    """A convolution with a 1x1 kernel: a matrix product over the channels, without columns."""

    def __init__(self, kernels: np.ndarray) -> None:
        """`kernels` are (output channels, input channels, 1, 1)."""
        self.kernels = kernels

    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        """The outputs: (images, output channels, height, width)."""
        raise NotImplementedError

    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        """The gradients with respect to the inputs, in their shape."""
        raise NotImplementedError

    def grads_wrt_params(
        self, inputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> list[np.ndarray]:
        """The gradients with respect to the kernels, in their shape, as the only one of a list."""
        raise NotImplementedError


# Exercise 8


class MyDepthwiseConvolution:
    """Each channel has a kernel of its own, and gives one channel of the output."""

    def __init__(self, kernels: np.ndarray) -> None:
        """`kernels` are (channels, size, size); the stride is 1, and there is no padding."""
        self.kernels = kernels

    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        """The outputs: (images, channels, height, width)."""
        raise NotImplementedError

    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        """The gradients with respect to the inputs, in their shape."""
        raise NotImplementedError

    def grads_wrt_params(
        self, inputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> list[np.ndarray]:
        """The gradients with respect to the kernels, in their shape, as the only one of a list."""
        raise NotImplementedError
