"""The test of a run: the class scores of its best checkpoint against the labels.

`train.py` saves the scores, so that `evaluate.py` need not start PyTorch.
"""

from typing import Any

import numpy as np

from convnets.core.errors import UserError
from convnets.core.files import atomic_write
from convnets.data.arrays import DAMAGE
from convnets.runs.run_folder import CHECKPOINT, RunFolder

SCORES = "scores.npz"
"""File in the run directory, from the end of the training to the first test."""


def score(scores: np.ndarray, labels: np.ndarray) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Measures, predictions and confidences of a test: class `scores` (images, classes).

    Labels and results are (images,). A class without test images has the accuracy None. Confidences
    are probabilities of the predicted classes in 255ths, uint8; other programs read them.
    """
    if scores.dtype.kind != "f" or not np.isfinite(scores).all():
        raise UserError(
            "the class scores of the network are not finite: train it again with a lower learning "
            "rate"
        )
    scores = scores.astype(np.float64)
    scores -= scores.max(axis=1, keepdims=True)  # not by SciPy, whose import takes longer than this
    logarithms = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    prediction = scores.argmax(axis=1)
    correct = prediction == labels
    totals = np.bincount(labels, minlength=scores.shape[1]).tolist()
    corrects = np.bincount(labels[correct], minlength=scores.shape[1]).tolist()
    measures = {
        "test_images": len(labels),
        "test_accuracy": correct.mean().item(),
        "test_loss": -logarithms[np.arange(len(labels)), labels].mean().item(),
        "per_class_accuracy": [
            part / total if total else None for part, total in zip(corrects, totals, strict=True)
        ],
    }
    confidence = np.rint(255 * np.exp(logarithms.max(axis=1)))
    return measures, prediction.astype(np.uint8), confidence.astype(np.uint8)


def leave_scores(run: RunFolder, scores: np.ndarray) -> None:
    """Save the test `scores` of the checkpoint of `run` for `left_scores`."""
    with atomic_write(run.path / SCORES) as file:
        np.savez(file, scores=scores, checkpoint=run.record["files"][CHECKPOINT])


def left_scores(run: RunFolder, shape: tuple[int, int]) -> np.ndarray | None:
    """The scores (images, classes) that the training of this checkpoint saved, if any."""
    try:
        with np.load(run.path / SCORES, allow_pickle=False) as file:
            if str(file["checkpoint"]) == run.record.get("files", {}).get(CHECKPOINT):
                scores = np.asarray(file["scores"])
                return scores if scores.shape == shape else None
    except DAMAGE:
        pass
    return None
