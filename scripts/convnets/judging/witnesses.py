"""Witnesses: our runs, and the paper's own numbers, as the judge asks them.

The third witness, other people's runs, is in `convnets.judging.others`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from convnets.core.errors import UserError
from convnets.judging.conditions import PAPER_IMAGES
from convnets.judging.estimates import (
    ACCURACY,
    QUANTITIES,
    Estimates,
    Spread,
    estimate,
    image_covariance,
    learn_spread,
    replicates,
)
from convnets.judging.published import distinct_numbers
from convnets.runs.run_folder import RunFolder

OWN_IMAGES, OTHER_IMAGES = 0.68, 0.61
"""Assumed covariance of being correct on an image, as a share of p (1 - p): of two networks of one
variant, and of two variants. Networks of this kind disagree on about 8 % of the images; other seeds
repeat about a sixth of that."""


@dataclass(frozen=True)
class SeedSample:
    """Runs by variant and seed, aligned with the variants of a family of comparisons."""

    values: Mapping[str, np.ndarray]
    """By quantity: (variants, seeds), nan where there is no run."""
    spreads: Mapping[str, Spread]
    """By quantity."""
    images: np.ndarray
    """Covariance of the accuracies from test images (variants, variants)."""
    rounding: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Variance from rounded digits, by quantity: (variants,)."""

    def estimates(self, quantity: str, weights: np.ndarray) -> Estimates:
        """The effects that `weights` (effects, variants) make of a quantity."""
        images = self.images if quantity == ACCURACY else None
        effects = estimate(self.values[quantity], weights, self.spreads[quantity], images)
        if quantity in self.rounding:
            effects.of_images[:] += weights**2 @ self.rounding[quantity]
        return effects


def our_runs(
    runs: pd.DataFrame, right: Mapping[str, np.ndarray], variants: list[str]
) -> SeedSample:
    """Our runs: `runs` as read from metrics.csv, `right` as read from their predictions."""
    values = {quantity: replicates(runs, quantity, variants) for quantity in QUANTITIES}
    images = image_covariance([right.get(variant) for variant in variants])
    return SeedSample(values, spreads_of(runs), images)


def spreads_of(runs: pd.DataFrame) -> dict[str, Spread]:
    """The spread between seeds of every quantity, learnt from all variants of `runs`."""
    variants = [] if runs.empty else list(runs.index.get_level_values("variant").unique())
    return {name: learn_spread(replicates(runs, name, variants), name) for name in QUANTITIES}


def papers_numbers(published: pd.DataFrame, variants: list[str], ours: SeedSample) -> SeedSample:
    """The paper's own numbers: one seed of each variant, with the spread that ours have."""
    values, rounding, known = {}, {}, distinct_numbers(published)
    for quantity in QUANTITIES:
        numbers = known[quantity].reindex(variants).to_numpy(float)
        half = 0.0005 if quantity == ACCURACY else 0.5 / numbers
        if quantity != "best_epoch":  # a whole number by nature
            rounding[quantity] = np.nan_to_num(np.broadcast_to(half, numbers.shape) ** 2 / 3)
        values[quantity] = (numbers if quantity == ACCURACY else np.log(numbers))[:, None]
    images = images_of(values[ACCURACY][:, 0], ours)
    return SeedSample(values, ours.spreads, images, rounding)


def images_of(accuracies: np.ndarray, ours: SeedSample) -> np.ndarray:
    """Covariance from the paper's test images of variants with `accuracies`, nan if unknown.

    It comes from our predictions if we have all of these variants, else it is assumed.
    """
    known = np.isfinite(accuracies)
    if (np.diag(ours.images)[known] > 0).all():
        return ours.images
    spread = np.sqrt(np.nan_to_num(accuracies * (1 - accuracies)))
    shares = np.full((len(spread), len(spread)), OTHER_IMAGES)
    np.fill_diagonal(shares, OWN_IMAGES)
    return shares * np.outer(spread, spread) / PAPER_IMAGES["test"]


def read_right(folders: Iterable[Path]) -> dict[str, np.ndarray]:
    """Whether each network is correct on each test image, by variant: bool (seeds, images).

    Raises `UserError` unless all runs were tested on the same images.
    """
    right: dict[str, list[np.ndarray]] = {}
    for run, test in read_predictions(map(RunFolder, folders)):
        correct = test["label"] == test["prediction"]
        right.setdefault(run.record["variant"]["id"], []).append(correct)
    return {variant: np.array(seeds) for variant, seeds in right.items()}


def read_predictions(
    runs: Iterable[RunFolder],
) -> Iterator[tuple[RunFolder, dict[str, np.ndarray]]]:
    """Each run with its predictions; a `UserError` if they were tested on different images."""
    first: tuple[Path, np.ndarray] | None = None
    for run in runs:
        test = run.predictions
        first = first or (run.path, test["index"])
        if not np.array_equal(test["index"], first[1]):
            raise UserError(
                f"{run.path} and {first[0]} were tested on different images, expected the same: "
                "test both again, on the same data, with evaluate.py"
            )
        yield run, test
