"""What a network learns with: the error E, cross-entropy, and the optimiser that lowers it."""

import numpy as np


def softmax_cross_entropy(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """The error E of class scores (batch, classes), and its gradient in their shape.

    E is the mean over the batch of -log p, with p the probability of the true class. Its gradient
    is the probability of each class, less 1 for the true one. Softmax is no layer of its own: with
    the logarithm it is one formula that neither overflows nor loses digits.
    """
    shifted = scores - scores.max(axis=1, keepdims=True)  # so that no exponential overflows
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    true_classes = np.arange(len(labels)), labels
    error = -float(log_probabilities[true_classes].mean())
    grads = np.exp(log_probabilities)
    grads[true_classes] -= 1
    return error, grads / len(labels)


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
