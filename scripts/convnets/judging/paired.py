"""Test accuracies compared on the same test images.

A comparison gives each variant a weight: +1 and -1 for a difference, equally spaced ones for a
slope. Its value at seed `s` and image `i` is the weighted sum of "right" (1) and "wrong" (0),

    d[s, i] = effect + seed[s] + image[i] + rest[s, i],

with seeds and images as crossed random effects: seeds are a sample of all seeds, test images one of
all images. The same seed gives every variant the same order of batches, so seeds are paired.
With S seeds and n images the variance of the mean of `d` has the parts

    between seeds   (var(seed) + var(rest) / n) / S    known with S - 1 degrees of freedom
    between images   var(image) / n                    known well: n is in the thousands

from the mean squares of the two-way analysis of variance (as in multi-reader studies: Obuchowski
and Rockette 1995); in balanced data these are the estimates of a mixed model by restricted maximum
likelihood. `effect.py` puts the two together; `benchmarks/judging.py` shows the error rates.

With one seed nothing is known of other seeds: the conclusion is on these trained networks only.
For a difference the test is then McNemar's exact one, and the interval a bootstrap over images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from convnets.judging.effect import ALPHA, Effect, Source

RESAMPLES = 10_000
BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class TrainedNetworks(Effect):
    """A comparison of networks of one seed on the same test images."""

    values: tuple[float, ...]
    """The different values of the comparison on an image."""
    counts: tuple[int, ...]
    """On how many images it has each of them."""

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % percentile interval of the bootstrap over images.

        Drawing images with replacement is drawing how many have each value: a multinomial.
        """
        images = sum(self.counts)
        draws = np.random.default_rng(BOOTSTRAP_SEED).multinomial(
            images, np.divide(self.counts, images), RESAMPLES
        )
        low, high = np.quantile(draws @ np.array(self.values) / images, [ALPHA / 2, 1 - ALPHA / 2])
        return float(low), float(high)

    def test_against(self, bound: float) -> str:
        """Name of the test of whether the effect is above or below `bound`."""
        return "McNemar, exact" if self._is_mcnemar(bound) else super().test_against(bound)

    def p_above(self, bound: float) -> float:
        """One-sided p-value: exact (McNemar) for a difference from zero, else normal."""
        return self._sign_test("greater") if self._is_mcnemar(bound) else super().p_above(bound)

    def p_below(self, bound: float) -> float:
        """One-sided p-value: exact (McNemar) for a difference from zero, else normal."""
        return self._sign_test("less") if self._is_mcnemar(bound) else super().p_below(bound)

    def _is_mcnemar(self, bound: float) -> bool:
        return bound == 0 and len({abs(value) for value in self.values if value}) == 1

    def _sign_test(self, alternative: str) -> float:
        number = dict(zip(np.sign(self.values), self.counts, strict=True))
        gains, losses = number.get(1, 0), number.get(-1, 0)
        return float(stats.binomtest(gains, gains + losses, alternative=alternative).pvalue)


def accuracy_effect(
    right: Mapping[str, Mapping[int, np.ndarray]], weights: Mapping[str, float]
) -> Effect:
    """The weighted sum of test accuracies, over the seeds that all variants have.

    `right[variant][seed]` tells for each test image, in one order for all, whether the network
    named it rightly (bool, (images,)).
    """
    seeds = shared_seeds(right, list(weights))
    table = np.array(
        [
            sum(weight * right[variant][seed] for variant, weight in weights.items())
            for seed in seeds
        ]
    )
    return one_seed(table[0]) if len(seeds) == 1 else several_seeds(table)


def shared_seeds(runs: Mapping[str, Mapping[int, object]], variants: Sequence[str]) -> list[int]:
    """The seeds that every one of `variants` was trained with."""
    return sorted(set.intersection(*(set(runs[variant]) for variant in variants)))


def one_seed(values: np.ndarray) -> TrainedNetworks:
    """The mean of `values` (images,) over the test images."""
    different, counts = np.unique(values, return_counts=True)
    return TrainedNetworks(
        value=float(values.mean()),
        fixed=(Source(float(values.var(ddof=1)) / len(values)),),
        over_seeds=None,
        seeds=1,
        test="normal, paired by image",
        values=tuple(different.tolist()),
        counts=tuple(counts.tolist()),
    )


def several_seeds(values: np.ndarray) -> Effect:
    """The mean of `values` (seeds, images), both of them samples."""
    seeds, images = values.shape
    mean = values.mean()
    of_seeds = values.mean(axis=1, keepdims=True) - mean
    of_images = values.mean(axis=0, keepdims=True) - mean
    rest = values - mean - of_seeds - of_images
    mean_square_rest = (rest**2).sum() / ((seeds - 1) * (images - 1))
    mean_square_images = seeds * (of_images**2).sum() / (images - 1)
    of_images_variance = max(mean_square_images - mean_square_rest, 0) / (seeds * images)
    return Effect(
        value=float(mean),
        fixed=(Source(float(of_images_variance)),),
        over_seeds=Source(float(of_seeds.var(ddof=1)) / seeds, seeds - 1),
        seeds=seeds,
        test="seeds and images crossed",
    )
