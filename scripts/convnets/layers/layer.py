"""The interface of layers, forward and backward, and the simplest layer, ReLU."""

from abc import ABC, abstractmethod

import numpy as np

Array = np.ndarray


class Layer(ABC):
    """A function of features, with or without parameters, that keeps nothing between calls.

    Its gradients are those of an error E, a number computed from the outputs.
    """

    params: list[Array]
    """The learned arrays, which an optimiser changes in place."""

    def __init__(self, *params: Array | None) -> None:
        self.params = [param for param in params if param is not None]

    @abstractmethod
    def fprop(self, inputs: Array) -> Array:
        """The outputs for `inputs`."""

    @abstractmethod
    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """The gradient of E with respect to `inputs`, in their shape.

        `outputs` is `fprop(inputs)`, and `grads_wrt_outputs`, in its shape, the gradient of E
        with respect to it.
        """

    def grads_wrt_params(self, inputs: Array, grads_wrt_outputs: Array) -> list[Array]:
        """The gradient of E with respect to each of `params`, in their shapes."""
        return []


class ReLU(Layer):
    """The larger of zero and the input, which follows each convolution (paper, Section 4)."""

    def fprop(self, inputs: Array) -> Array:
        """max(0, x)."""
        return np.maximum(inputs, 0)

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """The gradient passes where the input is positive; at zero it is zero, as in PyTorch."""
        return grads_wrt_outputs * (outputs > 0)
