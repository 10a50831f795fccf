"""The results that the report is about, as read from their files."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from convnets.architectures.variant import KEYS_OF_METHOD
from convnets.config.experiments import Figure, Table
from convnets.config.settings import parse, read_as
from convnets.core.errors import UserError
from convnets.core.kinds import Name, Positive, Seed, section
from convnets.data.folder import read_provenance
from convnets.judging.comparison import read_comparison
from convnets.judging.conditions import censored, deviations, level, other_hardware
from convnets.judging.others import Prior, read_prior
from convnets.judging.published import read_published
from convnets.judging.readings import read_paper, read_readings
from convnets.judging.table import read_claims
from convnets.runs.metrics import read_history, read_runs, runs_of
from convnets.runs.run_folder import RECORD, TEST, RunFolder

ROOT = Path(__file__).resolve().parents[3]
PLAN = section(
    epochs=Positive,
    runs=list[section(variant=Name, seed=Seed, multiply_adds=int)],  # type: ignore[misc]
    command=str,
    tables=dict[Name, Table],
    figures=dict[Name, Figure],
    figure_names=list[Name],
)
"""What `plan.json` contains."""
SYNTHETIC = "glyphs"
"""The data source whose images are drawn, not written by hand."""


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
        """The value of `key` in `run.json`, whose dots lead inwards; None if it has no such key."""
        return _walk(self.record, key.split("."))


@dataclass(frozen=True)
class Results:
    """The content of `results/NAME`, and of the files that say what the paper has."""

    folder: Path
    runs: tuple[Run, ...]
    """The runs of `metrics.csv`, by method and variant."""
    metrics: pd.DataFrame
    """The same as numbers, see `read_runs`."""
    provenance: dict[str, Any]
    """`provenance.json` of the data."""
    plan: dict[str, Any]
    """`plan.json`: what there should be."""
    comparison: pd.DataFrame
    """`comparison.csv`: one row per published number."""
    claims: pd.DataFrame
    """`claims.csv`: one row per part of a claim."""
    readings: pd.DataFrame
    """`readings.csv`: a row for each quantity of a reading, and one for all together."""
    paper: dict[str, Any]
    """`config/readings.yaml`: what the paper states, leaves open and contradicts."""

    @cached_property
    def published(self) -> pd.DataFrame:
        """The paper's numbers."""
        return read_published(ROOT / "config/published_values.csv")

    @cached_property
    def prior(self) -> Prior:
        """Other people's runs."""
        return read_prior(ROOT / "config/prior")

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The planned tables."""
        return {
            name: parse(Table, values, f"{self.folder}/plan.json: {name}")
            for name, values in self.plan["tables"].items()
        }

    @cached_property
    def by_variant(self) -> dict[str, list[Run]]:
        """The runs of each variant, in order."""
        groups: dict[str, list[Run]] = {}
        for run in self.runs:
            groups.setdefault(run.variant, []).append(run)
        return groups

    @cached_property
    def missing(self) -> list[str]:
        """Planned runs that are not finished, or damaged."""
        return missing_runs(self.folder, self.plan, self.metrics)

    @property
    def synthetic(self) -> bool:
        """Whether the images were drawn by a program."""
        return bool(self.provenance["source"] == SYNTHETIC)

    @cached_property
    def level(self) -> str:
        """How far the conditions are the paper's: `same`, `near` or `other`."""
        return level(self.provenance, self.metrics)

    @cached_property
    def deviations(self) -> list[str]:
        """How data and epochs depart from the paper's."""
        return deviations(self.provenance, self.metrics)

    @cached_property
    def hardware(self) -> list[str]:
        """Devices of another kind than the paper's."""
        return other_hardware(self.metrics)

    @cached_property
    def censored(self) -> list[str]:
        """Variants that were cut short at or near their best."""
        return censored(self.metrics)

    def mean(self, variant: str, measure: str) -> float:
        """Mean of a measure of `metrics.csv` over the seeds of a variant."""
        return float(runs_of(self.metrics, variant)[measure].mean())

    def used(self, key: str) -> list[Any]:
        """The different values of `key` over all runs, in order; empty where no run has it.

        The dots in `key` lead inwards, in `run.json` or, after `provenance.`, in `provenance.json`.
        """
        if key.startswith("provenance."):
            return distinct([_walk(self.provenance, key.split(".")[1:])])
        return distinct(run.value(key) for run in self.runs)


def load_results(folder: Path) -> Results:
    """Read all but the figures. Raises `UserError` where there are no runs."""
    metrics = read_runs(folder / "metrics.csv")
    if metrics.empty:
        raise UserError(f"{folder / 'metrics.csv'} has no runs; train and evaluate some first")
    folders = [folder / "runs" / variant / f"seed_{seed}" for variant, seed in metrics.index]
    return Results(
        folder=folder,
        runs=tuple(sorted(map(_load_run, folders), key=_by_method)),
        metrics=metrics,
        provenance=read_provenance(folder / "data" / "provenance.json"),
        plan=read_plan(folder / "plan.json"),
        comparison=read_comparison(folder / "comparison.csv"),
        claims=read_claims(folder / "claims.csv"),
        readings=read_readings(folder / "readings.csv"),
        paper=read_paper(ROOT / "config/readings.yaml"),
    )


def missing_runs(folder: Path, plan: dict[str, Any], metrics: pd.DataFrame) -> list[str]:
    """The runs of `plan` that `metrics` lacks, and what is wrong with those that are damaged."""
    missing = []
    for variant, seed in ((run["variant"], run["seed"]) for run in plan["runs"]):
        if (variant, seed) not in metrics.index:
            run = RunFolder(folder / "runs" / variant / f"seed_{seed}")
            finished = (run.path / RECORD).is_file() and (run.path / TEST).is_file()
            damage = f" (damaged: {run.problem()})" if finished else ""
            missing.append(f"{variant}, seed {seed}{damage}".replace(f"{folder}/", ""))
    return missing


def read_plan(file: Path) -> dict[str, Any]:
    """What the configuration asks for."""
    return read_as(PLAN, file, "start Snakemake once with the configuration of these results")


def distinct(values: Iterable[Any]) -> list[Any]:
    """Each value once, in order of appearance, without None."""
    found: list[Any] = []
    for value in values:
        if value is not None and value not in found:
            found.append(value)
    return found


def _load_run(folder: Path) -> Run:
    run = RunFolder(folder)
    record = run.record | {"variant": run.variant.specification(), "sizes": run.variant.sizes}
    return Run(record, run.test, read_history(run))


def _by_method(run: Run) -> tuple[int, list[Any], int]:
    """Methods in the paper's order, then ids with their numbers by size, then seeds."""
    method = list(KEYS_OF_METHOD).index(run.record["variant"]["method"])
    parts = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", run.variant)]
    return method, parts, run.record["seed"]


def _walk(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
