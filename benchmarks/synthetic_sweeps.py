"""Sweeps with a known truth: which test images the networks of some variants name rightly.

A network is right about an image where a normal score is positive,

    score = level + seed + own part of the image + shared part of the image + rest,

with the last three of total variance 1. The parts of an image make networks err on the same ones,
those of one variant more than those of two. All that the theory of the tests needs follows from
this model, by the bivariate normal distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

TEST_IMAGES = 15_800
"""As many as the paper has (Section 1)."""
BETWEEN_VARIANTS = 0.88
"""Correlation of the scores of two variants on an image: they disagree on 8 % of the images."""
BETWEEN_SEEDS = 0.91
"""The same for two seeds of one variant."""


@dataclass(frozen=True)
class Truth:
    """What is true of a synthetic sweep."""

    accuracies: tuple[float, ...]
    """Of each variant, over all images and seeds."""
    seed_spread: float
    """Standard deviation of the accuracy between seeds."""
    images: int = TEST_IMAGES

    def draw(self, seeds: int, rng: np.random.Generator) -> dict[str, dict[int, np.ndarray]]:
        """`right[variant][seed]` for each test image."""
        shared = np.sqrt(BETWEEN_VARIANTS) * rng.standard_normal(self.images, dtype=np.float32)
        right: dict[str, dict[int, np.ndarray]] = {}
        for number, accuracy in enumerate(self.accuracies):
            own = np.sqrt(BETWEEN_SEEDS - BETWEEN_VARIANTS) * rng.standard_normal(
                self.images, dtype=np.float32
            )
            levels = rng.normal(stats.norm.ppf(accuracy), self._score_spread(accuracy), seeds)
            right[f"variant_{number}"] = {
                seed: level
                + shared
                + own
                + np.sqrt(1 - BETWEEN_SEEDS) * rng.standard_normal(self.images, dtype=np.float32)
                > 0
                for seed, level in enumerate(levels)
            }
        return right

    def _score_spread(self, accuracy: float) -> float:
        """Spread of a seed's level that moves the accuracy by `seed_spread`."""
        return float(self.seed_spread / stats.norm.pdf(stats.norm.ppf(accuracy)))

    def variances(self, weights: Sequence[float]) -> tuple[float, float, float]:
        """Variances of the weighted sum of accuracies: of a seed, an image, and the rest.

        As in `convnets.judging.paired`; those of an image and the rest are of one image.
        """
        total = image = 0.0
        for first, p in enumerate(self.accuracies):
            for second, q in enumerate(self.accuracies):
                weight = weights[first] * weights[second]
                same = first == second
                total += weight * (p * (1 - p) if same else _covariance(p, q, BETWEEN_VARIANTS))
                image += weight * _covariance(p, q, BETWEEN_SEEDS if same else BETWEEN_VARIANTS)
        seed = self.seed_spread**2 * float(np.square(weights).sum())
        return seed, image, total - image


def _covariance(p: float, q: float, correlation: float) -> float:
    """Of being right on an image, for networks of accuracies `p` and `q`."""
    both = stats.multivariate_normal.cdf(
        stats.norm.ppf([p, q]), cov=[[1, correlation], [correlation, 1]]
    )
    return float(both - p * q)


def power_of_mcnemar(truth: Truth, difference: float) -> float:
    """Of the two-sided test at 5 % between the first two variants (Connor 1987)."""
    _, image, rest = truth.variances([1, -1, *[0] * (len(truth.accuracies) - 2)])
    variance = image + rest
    disagreeing = variance + difference**2
    reach = stats.norm.isf(0.025) * np.sqrt(disagreeing)
    return float(stats.norm.cdf((np.sqrt(truth.images) * difference - reach) / np.sqrt(variance)))


def power_over_seeds(truth: Truth, difference: float, seeds: int) -> float:
    """Of the two-sided test at 5 % between the first two variants, seeds and images crossed.

    The estimated variance between seeds is a chi-square variable with `seeds - 1` degrees of
    freedom; the power is the mean over it.
    """
    seed, image, rest = truth.variances([1, -1, *[0] * (len(truth.accuracies) - 2)])
    of_seeds, of_images = (seed + rest / truth.images) / seeds, image / truth.images
    factors = stats.chi2.ppf((np.arange(10_000) + 0.5) / 10_000, seeds - 1) / (seeds - 1)
    reach = np.sqrt(
        stats.t.isf(0.025, seeds - 1) ** 2 * of_seeds * factors
        + stats.norm.isf(0.025) ** 2 * of_images
    )
    return float(stats.norm.cdf((difference - reach) / np.sqrt(of_seeds + of_images)).mean())
