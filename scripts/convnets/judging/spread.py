"""The spread between seeds, learnt from all variants together.

Few variants have many seeds, so the variance between the seeds of one variant is poorly known. As
in limma (Smyth 2004), every estimate is *moderated*: shrunk towards the variance pooled over all
variants, with a weight (the prior degrees of freedom) that the data determine. An assumed spread
counts like a few observations more, so that one seed can be judged, and more seeds never decide
less. Accuracies are fractions, everything else is in logarithms.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from convnets.judging.conditions import censored
from convnets.runs.metrics import EPOCH_ROUND, runtimes_measured

ACCURACY = "test_accuracy"
QUANTITIES = (ACCURACY, "best_epoch", "epoch_seconds", "seconds_to_best")
OF_BEST = ("best_epoch", "seconds_to_best")
ASSUMED = {ACCURACY: 0.003, "best_epoch": 0.3, "epoch_seconds": 0.1, "seconds_to_best": 0.3}
"""Standard deviation between seeds, assumed where no variant has several."""
ASSUMED_DF = 8
"""Degrees of freedom that the assumption counts for."""
ASSUMED_INEQUALITY = 0.25
"""Assumed squared coefficient of variation of the variants' variances: that of standard
deviations between 0.15 and 0.4 points."""


@dataclass(frozen=True)
class Spread:
    """Variance between the seeds of a variant."""

    variance: float
    """Mean over the variants."""
    df: float
    """Degrees of freedom of that mean."""
    inequality: float = ASSUMED_INEQUALITY
    """Squared coefficient of variation of the variants' true variances."""

    def prior_df(self, weights: np.ndarray) -> np.ndarray:
        """Degrees of freedom of the pooled variance as that of each row of `weights`.

        A weighted sum of variants averages their variances, which makes it less unequal. The
        variances are taken to be inverse chi-square, as in limma.
        """
        squares = weights**2
        share = (squares**2).sum(axis=1) / squares.sum(axis=1) ** 2
        unequal = 4 + 2 / np.maximum(self.inequality * share, 1e-6)
        return np.asarray(1 / (1 / unequal + 1 / self.df))


def learn_spread(values: np.ndarray, quantity: str) -> Spread:
    """The spread of `values` (variants, seeds), nan where there is no run."""
    number = np.isfinite(values).sum(axis=1)
    several = values[number > 1]
    df = number[number > 1] - 1
    total = int(df.sum())
    assumed = Spread(ASSUMED[quantity] ** 2, ASSUMED_DF)
    if not total:
        return assumed
    variances = np.nanvar(several, axis=1, ddof=1)
    mean = df @ variances / total
    # The mean square of a variance estimate is (1 + 2 / df) times that of the true variance.
    mean_square = df @ (variances**2 / (1 + 2 / df)) / total
    observed = max(mean_square / mean**2 - 1, 0) if mean > 0 else 0.0
    weight = total / (total + ASSUMED_DF)
    return Spread(
        float(weight * mean + (1 - weight) * assumed.variance),
        total + ASSUMED_DF,
        float(weight * observed + (1 - weight) * ASSUMED_INEQUALITY),
    )


def by_seed(runs: pd.DataFrame, quantity: str, variants: list[str]) -> np.ndarray:
    """`quantity` of `runs` as (variants, seeds), nan where there is no run.

    All but accuracies are logarithms. A variant with a censored best epoch has none, nor has it a
    runtime until then: leaving out single seeds would favour the early ones.
    """
    if runs.empty:
        return np.full((len(variants), 1), np.nan)
    values = runs[quantity].unstack("seed").reindex(variants)
    if quantity in OF_BEST:
        values[values.index.isin(censored(runs))] = np.nan
    numbers = values.to_numpy(float)
    return numbers if quantity == ACCURACY else np.log(numbers)


def replicates(runs: pd.DataFrame, quantity: str, variants: list[str]) -> np.ndarray:
    """The repeated observations of a quantity: seeds, or the rounds of a measurement side by side.

    The variants of a round are paired, as those of a seed are.
    """
    if quantity != "epoch_seconds" or runs.empty or not runtimes_measured(runs):
        return by_seed(runs, quantity, variants)
    rounds = [name for name in runs.columns if name.startswith(EPOCH_ROUND)]
    return np.log(runs.groupby("variant")[rounds].first().reindex(variants).to_numpy(float))
