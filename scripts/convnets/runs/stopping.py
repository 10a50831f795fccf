"""When a training ends: after all of its epochs, or when validation accuracy stops improving.

Standard library only: the workflow and `status.py` ask this too.
"""

from collections.abc import Iterable


def last_epoch(val_accuracies: Iterable[float], epochs: int, patience: int | None) -> int | None:
    """The epoch after which a run with these validation accuracies ends; None while it goes on.

    A run ends after `epochs` epochs, or before, when the best accuracy (the earliest, on a tie)
    is `patience` epochs old.
    """
    best, best_epoch = float("-inf"), 0
    for epoch, accuracy in enumerate(val_accuracies, start=1):
        if accuracy > best:
            best, best_epoch = accuracy, epoch
        if epoch >= epochs or (patience is not None and epoch - best_epoch >= patience):
            return epoch
    return None
