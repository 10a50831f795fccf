"""The error E that training lowers: cross-entropy of the softmax output layer."""

import numpy as np


class SoftmaxCrossEntropy:
    """The mean over the batch of -log p, with p the probability of the true class.

    Scores are (batch, classes), labels integers (batch,). Softmax is no layer of its own: with
    the logarithm it is one formula that neither overflows nor loses digits.
    """

    def error(self, scores: np.ndarray, labels: np.ndarray) -> float:
        """E."""
        log_probabilities = _log_softmax(scores)
        return -float(log_probabilities[np.arange(len(labels)), labels].mean())

    def grads_wrt_scores(self, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The gradient of E, (batch, classes): probability, less 1 for the true class."""
        grads = np.exp(_log_softmax(scores))
        grads[np.arange(len(labels)), labels] -= 1
        return grads / len(labels)


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    """log(exp(score) / sum of exp(scores)); less the largest score, no exponential overflows."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
