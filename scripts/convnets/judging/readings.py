"""Which of two readings of the paper agrees better with what it published.

A reading is run both ways: as it is by default, and otherwise. Each way predicts the published
accuracies, best epochs and relative runtimes of the variants concerned; the likelihood is how
probable the published numbers are then. The model of errors is simple and the same for both ways:
every number errs by itself, normally, with a variance that is the sum of

- test images, ours and the paper's 15,800: binomial, for accuracies;
- seeds: the paper's one run and the mean of ours, with the spread of variants with several seeds,
  or an assumed one (`convnets.judging.spread`);
- rounding of the published digits;
- for runtimes on other hardware than the paper's, `HARDWARE_SPREAD`.

Best epochs and runtimes are logarithms. A runtime is a multiple of an epoch of the reference
variant, run the same way; the runtime until the best epoch counts only where the paper gives no
best epoch, from which it follows.

Where data or epochs are not the paper's, all but the runtime of an epoch is not on its scale. It
may then differ from what is published by one unknown number for all variants (with a flat prior,
integrated out), so that only differences between variants count, and by `SCALE_SPREAD` for each.
What comes out is indicative only. Trainings that were cut short at their best tell no best epoch,
and images other than EMNIST tell nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from convnets.config.overlays import read_yaml
from convnets.config.settings import parse
from convnets.core.kinds import section
from convnets.core.tables import WORDS, read_table
from convnets.judging.conditions import (
    EMNIST_SOURCES,
    PAPER_IMAGES,
    censored,
    deviations,
    other_hardware,
)
from convnets.judging.numbers import REFERENCE
from convnets.judging.spread import OF_BEST, QUANTITIES
from convnets.judging.witnesses import spreads_of
from convnets.runs.metrics import RUNTIMES, runs_of

HARDWARE_SPREAD = 1.0
"""Standard deviation of the logarithm of a relative runtime between kinds of hardware: about what
these networks show between a processor and the paper's GPU."""
SCALE_SPREAD = {"test_accuracy": 0.04, "best_epoch": 0.5, "seconds_to_best": 0.5}
"""Standard deviation, between variants, of what shorter training on fewer images changes. That of
accuracies was found with 5 epochs on 18,000 real images; the others are assumed."""
STEP = {"test_accuracy": 0.001, "best_epoch": 0.0, "epoch_seconds": 1.0, "seconds_to_best": 1.0}
"""Unit of the last published digit; a best epoch is a whole number by nature."""
ITEM = section(
    {"pairs": list[tuple[str, str]], "unchanged": list[str], "command": str, "experiment": str},
    **dict.fromkeys(("question", "default", "alternative"), str),
)
FILE = section(
    readings=list[ITEM],  # type: ignore[valid-type]
    stated=list[dict[str, Any]],
    inconsistencies=list[Any],
)
"""What `config/readings.yaml` contains."""
THRESHOLD = 2.0
"""Least difference of log-likelihoods that favours a side, a factor of 7 in probability."""
DEFAULT, ALTERNATIVE, UNDECIDABLE = "favours default", "favours alternative", "undecidable"
NOT_RUN, NOT_COMPARABLE, TOTAL = "not run", "not comparable", "total"
AS_PUBLISHED, INDICATIVE = "as published", "indicative only"
COLUMNS = [
    *("reading", "default", "alternative", "quantity", "variants", "log_likelihood_default"),
    *("log_likelihood_alternative", "difference", "verdict", "scale", "evidence", "command"),
]


@dataclass(frozen=True)
class Reading:
    """A question that the paper leaves open, and the variants that are run both ways."""

    question: str
    default: str
    alternative: str
    pairs: tuple[tuple[str, str], ...] = ()
    """Variants as they are by default, and otherwise."""
    unchanged: tuple[str, ...] = ()
    """Variants that the reading does not touch: what the others differ from, where only
    differences count."""
    command: str = ""
    """What runs it, if anything does."""


@dataclass(frozen=True)
class Gap:
    """Published minus ours, on the scale of the model, and the variance it is expected to have."""

    value: float
    variance: float


def read_paper(path: Path) -> dict[str, Any]:
    """`config/readings.yaml`: what the paper states, leaves open and contradicts."""
    values: dict[str, Any] = read_yaml(path)
    parse(FILE, values, str(path))
    return values


def load_readings(items: Sequence[dict[str, Any]]) -> list[Reading]:
    """The readings of `config/readings.yaml`."""
    return [
        Reading(
            question=item["question"],
            default=item["default"],
            alternative=item["alternative"],
            pairs=tuple((default, other) for default, other in item.get("pairs", ())),
            unchanged=tuple(item.get("unchanged", ())),
            command=item.get("command") or _command(item.get("experiment")),
        )
        for item in items
    ]


def _command(experiment: str | None) -> str:
    return f"snakemake --cores 4 --config experiments={experiment}" if experiment else ""


def judge_readings(
    readings: Sequence[Reading],
    published: pd.DataFrame,
    runs: pd.DataFrame,
    provenance: dict[str, Any],
) -> pd.DataFrame:
    """One row for each quantity of each reading, and one for all together."""
    rows = [row for reading in readings for row in _judge(reading, published, runs, provenance)]
    return pd.DataFrame(rows, columns=COLUMNS)


def read_readings(path: Path) -> pd.DataFrame:
    """`readings.csv`. Raises `UserError` if it is damaged."""
    numbers = ("variants", "log_likelihood_default", "log_likelihood_alternative", "difference")
    filled = ("reading", "quantity", "variants", "verdict")
    remedy = "make it again with judge_readings.py"
    return read_table(path, remedy, COLUMNS, numbers, filled, **WORDS)


def log_likelihood(gaps: Sequence[Gap], offset: bool) -> float | None:
    """Of independent normal errors; with `offset`, beside one that all have in common.

    None where nothing is left to tell: no gap, or a single one with an unknown offset.
    """
    if len(gaps) <= offset:
        return None
    values = np.array([gap.value for gap in gaps])
    variances = np.array([gap.variance for gap in gaps])
    integrated = 0.0
    if offset:
        precision = (1 / variances).sum()
        values = values - (values / variances).sum() / precision
        integrated = 0.5 * math.log(2 * math.pi / precision)
    densities = -0.5 * (values**2 / variances + np.log(2 * math.pi * variances))
    return float(densities.sum()) + integrated


def _judge(
    reading: Reading, published: pd.DataFrame, runs: pd.DataFrame, provenance: dict[str, Any]
) -> list[dict[str, Any]]:
    names = {"default": reading.default, "alternative": reading.alternative}
    known = {"reading": reading.question, **names, "command": reading.command}
    trained = set(runs.index.get_level_values("variant"))
    pairs = [pair for pair in reading.pairs if trained.issuperset(pair)]
    if not pairs:
        return [known | {"quantity": TOTAL, "variants": 0, "verdict": NOT_RUN}]
    if provenance["source"] not in EMNIST_SOURCES:
        other = {"verdict": NOT_COMPARABLE, "scale": "another data set than the paper's"}
        return [known | {"quantity": TOTAL, "variants": len(pairs)} | other]
    unchanged = [(variant, variant) for variant in reading.unchanged if variant in trained]
    rows = []
    for quantity in QUANTITIES:
        numbers = _Numbers(quantity, published, runs, provenance, [*pairs, *unchanged])
        default = log_likelihood(numbers.gaps(0), numbers.offset)
        alternative = log_likelihood(numbers.gaps(1), numbers.offset)
        if default is not None and alternative is not None and numbers.tell(pairs):
            row = _row(quantity, len(numbers.gaps(0)), default, alternative)
            rows.append(row | {"scale": numbers.scale, "evidence": numbers.evidence(pairs)})
    return [known | row for row in (*rows, _total(rows, len(pairs)))]


def _total(rows: list[dict[str, Any]], pairs: int) -> dict[str, Any]:
    if not rows:
        nothing = "no published number of these variants compares with ours"
        return {"quantity": TOTAL, "variants": pairs, "verdict": UNDECIDABLE, "scale": nothing}
    names = ("log_likelihood_default", "log_likelihood_alternative")
    default, other = (sum(row[name] for row in rows) for name in names)
    published = all(row["scale"] == AS_PUBLISHED for row in rows)
    scale = AS_PUBLISHED if published else INDICATIVE
    return _row(TOTAL, pairs, default, other) | {"scale": scale}


def _row(quantity: str, variants: int, default: float, alternative: float) -> dict[str, Any]:
    difference = default - alternative
    verdict = UNDECIDABLE
    if abs(difference) >= THRESHOLD:
        verdict = DEFAULT if difference > 0 else ALTERNATIVE
    return {
        "quantity": quantity,
        "variants": variants,
        "log_likelihood_default": default,
        "log_likelihood_alternative": alternative,
        "difference": difference,
        "verdict": verdict,
    }


class _Numbers:
    """The published numbers of one quantity, and ours, of pairs of variants that were run."""

    def __init__(
        self,
        quantity: str,
        published: pd.DataFrame,
        runs: pd.DataFrame,
        provenance: dict[str, Any],
        pairs: Sequence[tuple[str, str]],
    ) -> None:
        self.quantity, self.runs, self.otherwise = quantity, runs, dict(pairs)
        self.published = _published(published, quantity)
        if quantity == "seconds_to_best":
            known = _published(published, "best_epoch")
            self.published = {v: x for v, x in self.published.items() if v not in known}
        self.unit = _published(published, "epoch_seconds")[REFERENCE]
        self.pairs = [
            pair
            for pair in pairs
            if pair[0] in self.published and not any(map(self._says_nothing, pair))
        ]
        if quantity == "epoch_seconds":
            self.pairs = [pair for pair in self.pairs if pair[0] != REFERENCE]
        concerned = runs_of(runs, *(variant for pair in pairs for variant in pair))
        obstacles = deviations(provenance, concerned) if quantity in SCALE_SPREAD else []
        self.offset = bool(obstacles)
        self.spread = SCALE_SPREAD[quantity] ** 2 if obstacles else 0.0
        if quantity in RUNTIMES and other_hardware(concerned):
            self.spread += HARDWARE_SPREAD**2
            obstacles += [f"run on {name}" for name in other_hardware(concerned)]
        self.scale = f"{INDICATIVE}: {'; '.join(obstacles)}" if obstacles else AS_PUBLISHED
        self.seed_variance = self._over_seeds()

    def gaps(self, side: int) -> list[Gap]:
        """Published minus ours for each pair, of its first (0) or second (1) variant."""
        if self.quantity not in RUNTIMES:
            return [self._gap(pair[0], self._values(pair[side])) for pair in self.pairs]
        reference = self.otherwise.get(REFERENCE, REFERENCE) if side else REFERENCE
        units = runs_of(self.runs, reference)["epoch_seconds"]
        if units.empty:
            return []
        unit = np.log(units).mean()
        return [self._gap(pair[0], self._values(pair[side]) - unit) for pair in self.pairs]

    def tell(self, pairs: Sequence[tuple[str, str]]) -> bool:
        """Whether a number of one of `pairs` is among the published ones."""
        return any(pair in self.pairs for pair in pairs)

    def evidence(self, pairs: Sequence[tuple[str, str]]) -> str:
        """The numbers of `pairs` themselves."""
        means = self.runs[self.quantity].groupby("variant").mean()
        return "; ".join(
            f"{default} {self.published[default]:g}, "
            f"ours {means[default]:.3g} or {means[other]:.3g}"
            for default, other in pairs
            if (default, other) in self.pairs
        )

    def _gap(self, published_as: str, ours: pd.Series) -> Gap:
        """Between a published number and the scaled values of our runs."""
        paper = self.published[published_as]
        variance = self.spread + self.seed_variance * (1 + 1 / len(ours))
        if self.quantity == "test_accuracy":
            accuracy, images = ours.mean(), self.runs["test_images"].iloc[0]
            variance += paper * (1 - paper) / PAPER_IMAGES["test"]
            variance += accuracy * (1 - accuracy) / images + STEP[self.quantity] ** 2 / 12
            return Gap(float(paper - ours.mean()), float(variance))
        unit = self.unit if self.quantity in RUNTIMES else 1.0
        variance += (STEP[self.quantity] / paper) ** 2 / 12
        return Gap(float(math.log(paper / unit) - ours.mean()), float(variance))

    def _values(self, variant: str) -> pd.Series:
        """Of the seeds of `variant`: accuracies as they are, the rest as logarithms."""
        values = runs_of(self.runs, variant)[self.quantity]
        return values if self.quantity == "test_accuracy" else np.log(values)

    def _over_seeds(self) -> float:
        """Variance between the seeds of a variant, learnt from all variants."""
        return spreads_of(self.runs)[self.quantity].variance

    def _says_nothing(self, variant: str) -> bool:
        """Whether a training ended before the paper's did and at its best: who knows the best?"""
        return self.quantity in OF_BEST and variant in censored(runs_of(self.runs, variant))


def _published(published: pd.DataFrame, quantity: str) -> dict[str, float]:
    """The published values of one quantity, by variant."""
    rows = published[published["metric"] == quantity].drop_duplicates("variant")
    return dict(zip(rows["variant"], rows["value"].astype(float), strict=True))
