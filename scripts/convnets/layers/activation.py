"""The activation function that follows each convolution (paper, Section 4)."""

import numpy as np

from convnets.layers.layer import Layer


class ReLU(Layer):
    """The larger of zero and the input, for inputs of any shape."""

    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        """max(0, x)."""
        return np.maximum(inputs, 0)

    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        """The gradient passes where the input is positive; at zero it is zero, as in PyTorch."""
        return grads_wrt_outputs * (outputs > 0)
