"""The test of a run: its best checkpoint on every test image (paper, Section 4)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


@dataclass(frozen=True)
class Evaluation:
    """What the test of one checkpoint gave.

    `prediction` and `label` are uint8 (images,). `confidence` is the probability of the predicted
    class in 255ths, uint8 (images,); no code reads it. `accuracy` and `per_class_accuracy`
    (classes,) are fractions.
    """

    accuracy: float
    loss: float
    per_class_accuracy: list[float | None]
    prediction: np.ndarray
    label: np.ndarray
    confidence: np.ndarray


def score(scores: Tensor, labels: Tensor) -> Evaluation:
    """Judge class `scores` (images, classes) against `labels` (images,), both on the processor.

    A class without test images has no accuracy (`None`).
    """
    confidence, prediction = torch.softmax(scores, dim=1).max(dim=1)
    correct = prediction == labels
    totals = torch.bincount(labels, minlength=scores.shape[1])
    hits = torch.bincount(labels[correct], minlength=scores.shape[1])
    per_class = [
        hit / total if total else None
        for hit, total in zip(hits.tolist(), totals.tolist(), strict=True)
    ]
    return Evaluation(
        accuracy=correct.sum().item() / len(labels),
        loss=cross_entropy(scores, labels).item(),
        per_class_accuracy=per_class,
        prediction=prediction.to(torch.uint8).numpy(),
        label=labels.to(torch.uint8).numpy(),
        confidence=(255 * confidence).round().to(torch.uint8).numpy(),
    )
