"""The results that the report is about, as read from their files, and how values are written."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from convnets import markup
from convnets.architectures.variant import KEYS_OF_METHOD
from convnets.core.errors import UserError
from convnets.runs.metrics import read_history, read_runs, runs_of
from convnets.runs.run_folder import RunFolder

SYNTHETIC = "glyphs"
"""The data source whose images are drawn, not written by hand."""
MINUS = "\N{MINUS SIGN}"
PAPER_ORDER = (
    *("figure_01", "figure_02", "figure_03", "figure_04", "figure_05", "figure_06", "figure_07"),
    *("table_1", "figure_08", "table_2", "table_3"),
    *("table_4", "figure_09", "figure_10", "table_5"),
)
"""The tables and figures of the paper's experiments, in its order."""


@dataclass(frozen=True)
class Run:
    """One variant trained with one seed, and tested."""

    record: dict[str, Any]
    """`run.json`."""
    test: dict[str, Any]
    """`test.json`."""
    history: pd.DataFrame
    """`history.csv`, by epoch."""

    @property
    def variant(self) -> str:
        """Id of the variant."""
        return str(self.record["variant"]["id"])

    def value(self, key: str) -> Any:
        """What `run.json` says under `key`, whose dots lead inwards; None if it has no such key."""
        return _walk(self.record, key.split("."))


@dataclass(frozen=True)
class Results:
    """What the workflow left in `results/NAME`."""

    folder: Path
    runs: tuple[Run, ...]
    """The runs of `metrics.csv`, by method and variant."""
    metrics: pd.DataFrame
    """The same as numbers, see `read_runs`."""
    provenance: dict[str, Any]
    """`provenance.json` of the data."""
    comparison: pd.DataFrame
    """`comparison.csv`: one row per published number."""
    missing: tuple[str, ...]
    """Runs that `plan.json` asks for and that are not finished."""

    @cached_property
    def by_variant(self) -> dict[str, list[Run]]:
        """The runs of each variant, in order."""
        groups: dict[str, list[Run]] = {}
        for run in self.runs:
            groups.setdefault(run.variant, []).append(run)
        return groups

    @property
    def synthetic(self) -> bool:
        """Whether the images were drawn by a program."""
        return bool(self.provenance["source"] == SYNTHETIC)

    def mean(self, variant: str, measure: str) -> float:
        """Mean of a measure of `metrics.csv` over the seeds of a variant."""
        return float(runs_of(self.metrics, variant)[measure].mean())


def load_results(folder: Path) -> Results:
    """Read all but the tables and figures. Raises `UserError` where there are no runs."""
    metrics = read_runs(folder / "metrics.csv")
    if metrics.empty:
        raise UserError(f"{folder / 'metrics.csv'} has no runs; train and evaluate some first")
    runs = [
        _load_run(folder / "runs" / variant / f"seed_{seed}") for variant, seed in metrics.index
    ]
    return Results(
        folder=folder,
        runs=tuple(sorted(runs, key=_by_method)),
        metrics=metrics,
        provenance=json.loads((folder / "data" / "provenance.json").read_text(encoding="utf-8")),
        comparison=pd.read_csv(folder / "comparison.csv"),
        missing=_missing(folder / "plan.json", metrics),
    )


def _missing(plan: Path, metrics: pd.DataFrame) -> tuple[str, ...]:
    """Variant and seed of the runs in `plan` that `metrics` lacks; none without a plan."""
    runs = json.loads(plan.read_text(encoding="utf-8"))["runs"] if plan.is_file() else []
    return tuple(
        f"{run['variant']}, seed {run['seed']}"
        for run in runs
        if (run["variant"], run["seed"]) not in metrics.index
    )


def _load_run(folder: Path) -> Run:
    run = RunFolder(folder)
    return Run(run.record, run.test, read_history(run))


def _by_method(run: Run) -> tuple[int, list[Any], int]:
    """Methods in the paper's order, then ids with their numbers by size, then seeds."""
    method = list(KEYS_OF_METHOD).index(run.record["variant"]["method"])
    parts = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", run.variant)]
    return method, parts, run.record["seed"]


def values_used(key: str, results: Results) -> list[Any]:
    """The different values of `key` over all runs, in order; empty where no run has it.

    The dots in `key` lead inwards, in `run.json` or, after `provenance.`, in `provenance.json`.
    """
    if key.startswith("provenance."):
        return distinct([_walk(results.provenance, key.split(".")[1:])])
    return distinct(run.value(key) for run in results.runs)


def _walk(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def distinct(values: Iterable[Any]) -> list[Any]:
    """Each value once, in order of appearance, without None."""
    found: list[Any] = []
    for value in values:
        if value is not None and value not in found:
            found.append(value)
    return found


def shown_values(values: Sequence[Any]) -> str:
    """The values as a reader wants to see them."""
    return ", ".join(shown_value(value) for value in values) or markup.MISSING


def shown_value(value: Any) -> str:
    """One value: thousands apart, booleans in words, lists with arrows."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return "→".join(shown_value(item) for item in value)
    return str(value)


def shown_seconds(seconds: float) -> str:
    """A duration in the two largest units that it fills."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(number: int, noun: str) -> str:
    """The number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def number(row: dict[Any, Any], key: str, sign: str = "") -> str | None:
    value = row[key]
    if pd.isna(value):
        return None
    return f"{value:{sign},.{_decimals(row['unit'], abs(value))}f}".replace("-", MINUS)


def _decimals(unit: str, value: float) -> int:
    """Fractions as in the paper; the rest as integers, or three digits when that is more."""
    if unit == "fraction":
        return 3
    if value == round(value) or value >= 100:
        return 0
    return 1 if value >= 10 else 2
