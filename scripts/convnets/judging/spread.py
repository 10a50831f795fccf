"""How much other seeds would differ, for variants with one seed: learnt from those with several.

The spread between seeds is taken to be the same for all variants of a sweep, as the analysis of
variance does (pooled variance). Of an accuracy it is in fractions, of all else in logarithms.
"""

from collections.abc import Iterable

import numpy as np

from convnets.judging.effect import Source

ASSUMED = {
    "test_accuracy": 0.003,
    "best_epoch": 0.35,
    "epoch_seconds": 0.1,
    "seconds_to_best": 0.35,
}
"""Standard deviation between seeds, assumed where no variant has several."""


def pooled(groups: Iterable[np.ndarray]) -> Source | None:
    """The variance of one value within its group, from groups of several; None if there are none.

    Groups of one value say nothing and do not count.
    """
    several = [group for group in groups if len(group) > 1]
    df = sum(len(group) - 1 for group in several)
    if not df:
        return None
    return Source(sum(float(((group - group.mean()) ** 2).sum()) for group in several) / df, df)
