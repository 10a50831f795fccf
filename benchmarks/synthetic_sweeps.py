"""Sweeps with a known truth: accuracies, best epochs and runtimes of all variants of the paper.

Test images have a difficulty, which is skewed: most are easy, a tail is hard. A network is correct
on an image with a probability that falls with the difficulty; part of it is shared by all variants,
part is the variant's own. Every variant has its own spread between seeds. A best epoch is the
maximum of a noisy validation curve, and the test accuracy is the curve's true height there, so that
the selection of the best epoch is simulated too.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

IMAGES = 15_800
"""Test images, as in the paper (Section 1)."""
EPOCHS = 100
SHARED, OWN = 2.0, 0.75
"""Weights of the shared and the variant's own difficulty, on the probit scale: two variants then
disagree on about 8 % of the images, and two seeds of one variant on about 7 %."""
SPREADS = (0.0015, 0.004)
"""Range of the standard deviations of accuracy between seeds."""
RUNTIME_SPREADS = (0.01, 0.06)
"""Range of the standard deviations of the logarithm of an epoch's runtime."""
CURVATURE = 0.004
"""Fall of the validation accuracy one e-fold of epochs away from its peak."""
CURVE_NOISE = 0.0007
"""Noise of the validation accuracy between epochs: best epochs then vary by a factor of 1.2."""
GRID = 100_000
UNIFORM16 = 2**16


@dataclass(frozen=True)
class Truth:
    """The true means of every variant."""

    accuracy: np.ndarray
    best_epoch: np.ndarray
    """Geometric mean over seeds."""
    epoch_seconds: np.ndarray

    def values(self, quantity: str) -> np.ndarray:
        """The truth of a quantity, on the scale of the judge."""
        if quantity == "test_accuracy":
            return self.accuracy
        seconds = np.log(self.epoch_seconds)
        epochs = np.log(self.best_epoch)
        by_name = {"best_epoch": epochs, "epoch_seconds": seconds}
        return by_name.get(quantity, epochs + seconds)


@dataclass(frozen=True)
class Draw:
    """One sweep."""

    values: dict[str, np.ndarray]
    """By quantity: (variants, seeds), on the scale of the judge."""
    right: np.ndarray
    """Whether each network is correct: bool (variants, seeds, images)."""


def draw(truth: Truth, seeds: int, rng: np.random.Generator) -> Draw:
    """One sweep of `seeds` paired seeds, on test images of its own."""
    variants = len(truth.accuracy)
    spread = rng.uniform(*SPREADS, (variants, 1))
    epochs, loss = _best_epochs(truth.best_epoch, seeds, rng)
    deviations = spread * rng.standard_normal((variants, seeds)) - loss
    right = _right(truth.accuracy, deviations, rng)
    timing = rng.uniform(*RUNTIME_SPREADS, (variants, 1))
    seconds = np.log(truth.epoch_seconds)[:, None] + timing * rng.standard_normal((variants, seeds))
    values = {
        "test_accuracy": right.mean(axis=2),
        "best_epoch": np.log(epochs),
        "epoch_seconds": seconds,
        "seconds_to_best": np.log(epochs) + seconds,
    }
    return Draw(values, right)


def publish(truth: Truth, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The numbers that a paper would print: one run of its own, rounded."""
    one = {quantity: values[:, 0] for quantity, values in draw(truth, 1, rng).values.items()}
    seconds = {name: np.exp(one[name]) for name in ("epoch_seconds", "seconds_to_best")}
    return {
        "test_accuracy": one["test_accuracy"].round(3),
        "best_epoch": np.exp(one["best_epoch"]).round(),
        **{name: np.maximum(value.round(), 1) for name, value in seconds.items()},
    }


def _right(accuracies: np.ndarray, deviations: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Correct predictions; a seed's deviation is added to the probabilities, to first order.

    Probabilities are compared with 16-bit random numbers, which are fast to draw.
    """
    shared = SHARED * (1 - rng.standard_exponential(IMAGES, dtype=np.float32))
    right = np.empty((*deviations.shape, IMAGES), dtype=bool)
    for variant, level in enumerate(_levels(accuracies)):
        score = level + shared + OWN * rng.standard_normal(IMAGES, dtype=np.float32)
        probability = special.ndtr(score)
        slope = np.exp(-0.5 * score**2)
        slope /= slope.mean()
        for seed, deviation in enumerate(deviations[variant]):
            threshold = UNIFORM16 * (probability + np.float32(deviation) * slope)
            uniform = np.frombuffer(rng.bytes(2 * IMAGES), dtype=np.uint16)
            right[variant, seed] = uniform < threshold
    return right


def _levels(accuracies: np.ndarray) -> np.ndarray:
    """The level on the probit scale at which a variant has its true accuracy."""
    levels, reached = _level_table()
    return np.interp(accuracies, reached, levels).astype(np.float32)


@cache
def _level_table() -> tuple[np.ndarray, np.ndarray]:
    # Quantiles of the shared difficulty; own difficulty and chance are normal, so one probit.
    shared = SHARED * (1 + np.log((np.arange(GRID) + 0.5) / GRID))
    levels = np.linspace(-1, 8, 181)
    scale = np.sqrt(1 + OWN**2)
    return levels, np.array([special.ndtr((level + shared) / scale).mean() for level in levels])


def _best_epochs(
    means: np.ndarray, seeds: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Best epochs, and how much test accuracy is lost to the peak, less the mean loss."""
    peaks, reached, losses = _peak_table()
    peak = np.interp(np.log(means), reached, peaks)
    epochs, loss = _select(peak, seeds, rng)
    return epochs, loss - np.interp(peak, peaks, losses)[:, None]


def _select(
    peaks: np.ndarray, seeds: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    distance = np.log(np.arange(1, EPOCHS + 1)) - peaks[:, None]
    curve = -CURVATURE * distance**2
    noise = CURVE_NOISE * rng.standard_normal((len(peaks), seeds, EPOCHS))
    best = (curve[:, None] + noise).argmax(axis=2)
    return best + 1, -np.take_along_axis(curve, best, axis=1)


@cache
def _peak_table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log peaks, with the mean log best epoch and the mean loss that each of them gives."""
    peaks = np.linspace(0.5, np.log(95), 60)
    epochs, losses = _select(peaks, 4000, np.random.default_rng(0))
    reached = np.maximum.accumulate(np.log(epochs).mean(axis=1))
    return peaks, reached, losses.mean(axis=1)
