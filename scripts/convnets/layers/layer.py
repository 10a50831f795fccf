"""What a layer is: how its values go forward and its gradients back."""

from abc import ABC, abstractmethod

import numpy as np


class Layer(ABC):
    """A function of features, with or without parameters. It keeps nothing between calls.

    Its gradients are those of an error E, a number that follows from the outputs in some way.
    """

    params: list[np.ndarray]
    """What is learned. An optimiser changes these arrays in place."""

    def __init__(self, *params: np.ndarray | None) -> None:
        self.params = [param for param in params if param is not None]

    @abstractmethod
    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        """The outputs for `inputs`."""

    @abstractmethod
    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        """The gradient of E with respect to `inputs`, in their shape.

        `outputs` is `fprop(inputs)`, and `grads_wrt_outputs`, in its shape, the gradient of E
        with respect to it.
        """

    def grads_wrt_params(
        self, inputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> list[np.ndarray]:
        """The gradient of E with respect to each of `params`, in their shapes."""
        return []
