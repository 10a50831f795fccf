"""Readings of the paper: which of two ways agrees better with the published numbers.

docs/judging.md describes the likelihoods. Best epochs and runtimes are logarithms; a runtime is a
multiple of an epoch of the reference variant, run the same way.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from convnets.config.overlays import read_yaml
from convnets.config.settings import parse
from convnets.core.files import ROOT
from convnets.core.kinds import LOOSE, section
from convnets.core.tables import WORDS, read_table
from convnets.judging import conditions
from convnets.judging.conditions import PAPER_IMAGES, censored, other_hardware
from convnets.judging.estimates import ACCURACY, OF_BEST, QUANTITIES, on_scale
from convnets.judging.published import REFERENCE, distinct_numbers, rounding
from convnets.judging.witnesses import spreads_of
from convnets.runs.metrics import RUNTIMES, runs_of

HARDWARE_SPREAD = 1.0
"""Standard deviation of the logarithm of a relative runtime between kinds of hardware: about that
of these networks between a processor and the paper's GPU."""
SCALE_SPREAD = {"test_accuracy": 0.04, "best_epoch": 0.5, "seconds_to_best": 0.5}
"""Standard deviation, between variants, of the effect of shorter training on fewer images. That of
accuracies was found with 5 epochs on 18,000 real images; the others are assumed."""
THRESHOLD = 2.0
"""Least difference of log-likelihoods that favours a side, a factor of 7 in probability."""
DEFAULT, ALTERNATIVE, UNDECIDABLE = "favours default", "favours alternative", "undecidable"
NOT_RUN, NOT_COMPARABLE, TOTAL = "not run", "not comparable", "total"
VERDICTS = (DEFAULT, ALTERNATIVE, UNDECIDABLE, NOT_RUN, NOT_COMPARABLE)
AS_PUBLISHED, INDICATIVE = "as published", "indicative only"
LIKELIHOODS = ("log_likelihood_default", "log_likelihood_alternative")
COLUMNS = [
    *("reading", "default", "alternative", "quantity", "variants", *LIKELIHOODS),
    *("difference", "verdict", "scale", "evidence", "command"),
]
Pairs = Sequence[tuple[str, str]]
"""Variants by default, and with the alternative."""


@dataclass(frozen=True)
class Reading:
    """A question that the paper leaves open, and the variants that are run both ways."""

    __pydantic_config__ = LOOSE

    question: str
    default: str
    alternative: str
    pairs: Pairs = ()
    unchanged: Sequence[str] = ()
    """Variants that the reading does not touch: a baseline where only differences count."""
    command: str = ""
    """The command that runs the alternative, unless it is an experiment."""
    experiment: str = ""
    """The experiment that runs both ways."""
    uses: Sequence[str] = ()
    """Keys of the runs' records that decide the reading."""
    evidence: str = ""
    why: str = ""

    @property
    def how(self) -> str:
        """The command that runs the reading, if any."""
        of_experiment = f"snakemake --cores 4 --config experiments={self.experiment}"
        return self.command or (of_experiment if self.experiment else "")


FILE = section(readings=list[Reading], stated=list[dict[str, Any]], inconsistencies=list[Any])
"""The content of `config/readings.yaml`."""


def read_paper(path: Path = ROOT / "config/readings.yaml") -> Any:
    """The `readings`, `stated` facts and `inconsistencies` of the paper in a YAML file."""
    return parse(FILE, read_yaml(path), str(path))


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
    numbers, remedy = ("variants", *LIKELIHOODS, "difference"), "make it again with judge.py"
    filled = ("reading", "quantity", "variants", "verdict")
    return read_table(path, remedy, COLUMNS, numbers, filled, words={"verdict": VERDICTS}, **WORDS)


def log_likelihood(gaps: np.ndarray, variances: np.ndarray, offset: bool) -> float | None:
    """Log-likelihood of independent normal `gaps`; with `offset`, around an unknown common one.

    None if nothing is left to judge: no gap, an unknown one, or a single one with an offset.
    """
    if len(gaps) <= offset or np.isnan(gaps).any():
        return None
    integrated = 0.0
    if offset:
        precision = (1 / variances).sum()
        gaps = gaps - (gaps / variances).sum() / precision
        integrated = 0.5 * math.log(2 * math.pi / precision)
    densities = -0.5 * (gaps**2 / variances + np.log(2 * math.pi * variances))
    return float(densities.sum()) + integrated


def _judge(
    reading: Reading, published: pd.DataFrame, runs: pd.DataFrame, provenance: dict[str, Any]
) -> list[dict[str, Any]]:
    names = {"default": reading.default, "alternative": reading.alternative}
    known = {"reading": reading.question, **names, "command": reading.how}
    trained = set(runs.index.get_level_values("variant"))
    pairs = [pair for pair in reading.pairs if trained.issuperset(pair)]
    total = known | {"quantity": TOTAL, "variants": len(pairs)}
    if not pairs:
        return [total | {"verdict": NOT_RUN}]
    if provenance["source"] not in conditions.EMNIST_SOURCES:
        other = {"verdict": NOT_COMPARABLE, "scale": "another data set than the paper's"}
        return [total | other]
    unchanged = [(variant, variant) for variant in reading.unchanged if variant in trained]
    found = (_of(name, pairs, unchanged, published, runs, provenance) for name in QUANTITIES)
    rows = [known | row for row in found if row is not None]
    if not rows:
        nothing = "no published number of these variants compares with ours"
        return [total | {"verdict": UNDECIDABLE, "scale": nothing}]
    sums = (sum(row[name] for row in rows) for name in LIKELIHOODS)
    as_published = all(row["scale"] == AS_PUBLISHED for row in rows)
    scale = {"scale": AS_PUBLISHED if as_published else INDICATIVE}
    return [*rows, total | _verdict(*sums) | scale]


def _of(
    quantity: str,
    pairs: Pairs,
    unchanged: Pairs,
    published: pd.DataFrame,
    runs: pd.DataFrame,
    provenance: dict[str, Any],
) -> dict[str, Any] | None:
    """The row of one quantity; None where no published number of `pairs` compares with ours."""
    known, every = distinct_numbers(published), [*pairs, *unchanged]
    left_out = {"seconds_to_best": known["best_epoch"].index, "epoch_seconds": [REFERENCE]}
    paper = known[quantity].drop(left_out.get(quantity, []), errors="ignore")
    used = [
        pair
        for pair in every
        if pair[0] in paper and not (quantity in OF_BEST and censored(runs_of(runs, *pair)))
    ]
    shown = [pair for pair in used if pair in pairs]
    if not shown:
        return None
    concerned = runs_of(runs, *itertools.chain.from_iterable(every))
    obstacles = conditions.deviations(provenance, concerned) if quantity in SCALE_SPREAD else []
    offset, spread = bool(obstacles), SCALE_SPREAD[quantity] ** 2 if obstacles else 0.0
    if quantity in RUNTIMES and other_hardware(concerned):
        spread += HARDWARE_SPREAD**2
        obstacles += [f"run on {name}" for name in other_hardware(concerned)]
    numbers, unit, bases = paper[[one for one, _ in used]].to_numpy(float), 1.0, [0.0, 0.0]
    if quantity in RUNTIMES:
        unit = known["epoch_seconds"][REFERENCE]
        references = (REFERENCE, dict(every).get(REFERENCE, REFERENCE))
        bases = [np.log(runs_of(runs, name)["epoch_seconds"]).mean() for name in references]
    likelihoods = []
    for variants, base in zip(zip(*used, strict=True), bases, strict=True):
        ours = [on_scale(quantity, runs_of(runs, name)[quantity]) - base for name in variants]
        gaps = on_scale(quantity, numbers / unit) - np.array([own.mean() for own in ours])
        variances = _variances(quantity, numbers, ours, runs, spread)
        likelihoods.append(log_likelihood(gaps, variances, offset))
    default, other = likelihoods
    if default is None or other is None:
        return None
    means = runs[quantity].groupby("variant").mean()
    evidence = "; ".join(
        f"{one} {paper[one]:g}, ours {means[one]:.3g} or {means[two]:.3g}" for one, two in shown
    )
    scale = f"{INDICATIVE}: {'; '.join(obstacles)}" if obstacles else AS_PUBLISHED
    row = {"quantity": quantity, "variants": len(used), "scale": scale, "evidence": evidence}
    return row | _verdict(default, other)


def _variances(
    quantity: str, paper: np.ndarray, ours: list[pd.Series], runs: pd.DataFrame, spread: float
) -> np.ndarray:
    """Variances of the gaps between published numbers and the means of ours."""
    of_seeds = spreads_of(runs)[quantity].variance
    variances = spread + of_seeds * (1 + 1 / np.array([len(own) for own in ours]))
    of_digits = rounding(quantity, paper) ** 2 / 3
    if quantity != ACCURACY:
        return variances + of_digits
    means, images = np.array([own.mean() for own in ours]), runs["test_images"].iloc[0]
    variances += paper * (1 - paper) / PAPER_IMAGES["test"]
    return variances + (means * (1 - means) / images + of_digits)


def _verdict(default: float, alternative: float) -> dict[str, Any]:
    difference = default - alternative
    verdict = DEFAULT if difference > 0 else ALTERNATIVE
    if abs(difference) < THRESHOLD:
        verdict = UNDECIDABLE
    likelihoods = dict(zip(LIKELIHOODS, (default, alternative), strict=True))
    return likelihoods | {"difference": difference, "verdict": verdict}
