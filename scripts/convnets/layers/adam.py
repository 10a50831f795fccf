"""The optimiser of the project's default training (a reading; the paper says SGD only)."""

import numpy as np


class Adam:
    """Adam as in PyTorch: steps of about the learning rate, independent of the gradient's size.

    A step is the mean of the gradients divided by the root of the mean of their squares.
    """

    def __init__(self, params: list[np.ndarray], learning_rate: float, weight_decay: float) -> None:
        self.params, self.learning_rate, self.weight_decay = params, learning_rate, weight_decay
        self.means = [np.zeros_like(param) for param in params]
        self.squares = [np.zeros_like(param) for param in params]
        self.steps = 0

    def step(self, grads: list[np.ndarray]) -> None:
        """Change each parameter, in place, by its gradient."""
        beta_mean, beta_square, epsilon = 0.9, 0.999, 1e-8
        self.steps += 1
        # Both running means start at zero; the divisors correct for that.
        of_mean, of_square = 1 - beta_mean**self.steps, 1 - beta_square**self.steps
        for param, grad, mean, square in zip(
            self.params, grads, self.means, self.squares, strict=True
        ):
            decayed = grad + self.weight_decay * param
            mean[:] = beta_mean * mean + (1 - beta_mean) * decayed
            square[:] = beta_square * square + (1 - beta_square) * decayed**2
            direction = (mean / of_mean) / (np.sqrt(square / of_square) + epsilon)
            param[:] -= self.learning_rate * direction
