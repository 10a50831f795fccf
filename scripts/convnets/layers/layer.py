"""The interface of layers, forward and backward, and the simplest ones."""

from abc import ABC, abstractmethod

import numpy as np

from convnets.core.errors import UserError

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


class FullyConnected(Layer):
    """Each output is a weighted sum of all inputs: (batch, inputs) to (batch, outputs)."""

    def __init__(self, weights: Array, bias: Array | None = None) -> None:
        """`weights` are (outputs, inputs), `bias` (outputs,)."""
        super().__init__(weights, bias)
        self.weights, self.bias = weights, bias

    def fprop(self, inputs: Array) -> Array:
        """One matrix product, the one that im2col gives a convolution too."""
        if inputs.ndim != 2 or inputs.shape[1] != self.weights.shape[1]:
            raise UserError(
                f"inputs have shape {inputs.shape}, expected (batch, {self.weights.shape[1]})"
            )
        outputs = inputs @ self.weights.T
        return outputs if self.bias is None else outputs + self.bias

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """(batch, outputs) times (outputs, inputs)."""
        return grads_wrt_outputs @ self.weights

    def grads_wrt_params(self, inputs: Array, grads_wrt_outputs: Array) -> list[Array]:
        """(outputs, batch) times (batch, inputs): summed over the batch."""
        grads = [grads_wrt_outputs.T @ inputs]
        if self.bias is not None:
            grads.append(grads_wrt_outputs.sum(axis=0))
        return grads


class Flatten(Layer):
    """(batch, channels, height, width) to (batch, channels * height * width)."""

    def fprop(self, inputs: Array) -> Array:
        """The same numbers in one row for each image."""
        return inputs.reshape(len(inputs), -1)

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """The same numbers as maps again."""
        return grads_wrt_outputs.reshape(inputs.shape)


class RepeatTo2x2(Layer):
    """(batch, channels, 1, 1) to (batch, channels, 2, 2), as in the averaged head."""

    def fprop(self, inputs: Array) -> Array:
        """Each feature four times."""
        return np.tile(inputs, (1, 1, 2, 2))

    def bprop(self, inputs: Array, outputs: Array, grads_wrt_outputs: Array) -> Array:
        """The sum of the gradients of its four copies."""
        return grads_wrt_outputs.sum(axis=(2, 3), keepdims=True)
