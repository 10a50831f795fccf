"""Results as read from their files, for the report."""

import itertools
from pathlib import Path
from typing import Any

import pandas as pd

from convnets.analyses.study import load_runs
from convnets.config.experiments import Figure, Table
from convnets.config.settings import parse, read_as
from convnets.core.kinds import Name, Positive, Seed, section
from convnets.data.folder import read_provenance
from convnets.judging.conditions import censored, deviations, level, other_hardware
from convnets.judging.numbers import read_comparison
from convnets.judging.others import read_prior
from convnets.judging.published import read_published
from convnets.judging.readings import read_paper, read_readings
from convnets.judging.table import read_claims
from convnets.runs.metrics import read_runs, runs_of
from convnets.runs.run_folder import RECORD, TEST, RunFolder
from convnets.runs.status import natural

PLAN = section(
    epochs=Positive,
    runs=list[section(variant=Name, seed=Seed, multiply_adds=int)],  # type: ignore[misc]
    command=str,
    tables=dict[Name, Table],
    figures=dict[Name, Figure],
    figure_names=list[Name],
)
"""The content of `plan.json`."""
SYNTHETIC = "glyphs"
"""The data source whose images are drawn, not written by hand."""


class Results:
    """The content of `results/NAME`, and the paper's values, readings and prior runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = read_runs(folder / "metrics.csv")
        names = sorted(self.metrics.index, key=natural)
        self.by_variant = load_runs(folder / f"runs/{id}/seed_{seed}" for id, seed in names)
        self.runs = list(itertools.chain.from_iterable(self.by_variant.values()))
        self.provenance = read_provenance(folder / "data" / "provenance.json")
        self.plan = read_plan(folder / "plan.json")
        self.tables = {
            name: parse(Table, values, f"{folder}/plan.json: {name}")
            for name, values in self.plan["tables"].items()
        }
        self.comparison = read_comparison(folder / "comparison.csv")
        self.claims = read_claims(folder / "claims.csv")
        self.readings = read_readings(folder / "readings.csv")
        self.paper = read_paper()
        self.published, self.prior = read_published(), read_prior()
        self.missing = missing_runs(folder, self.plan, self.metrics)
        self.synthetic = self.provenance["source"] == SYNTHETIC
        self.level = level(self.provenance, self.metrics)
        self.deviations = deviations(self.provenance, self.metrics)
        self.hardware, self.censored = other_hardware(self.metrics), censored(self.metrics)

    def mean(self, variant: str, measure: str) -> float:
        """Mean of a measure of `metrics.csv` over the seeds of a variant."""
        return float(runs_of(self.metrics, variant)[measure].mean())

    def used(self, key: str) -> list[Any]:
        """The different values of `key` over all runs, in order; empty where no run has it.

        The dots in `key` lead inwards, in `run.json` or, after `provenance.`, in `provenance.json`.
        """
        found: list[Any] = []
        for run in self.runs:
            value = inner(run.record | {"provenance": self.provenance}, key)
            if value is not None and value not in found:
                found.append(value)
        return found


def missing_runs(folder: Path, plan: dict[str, Any], metrics: pd.DataFrame) -> list[str]:
    """The runs of `plan` that `metrics` lacks, and the faults of those that are damaged."""
    missing = []
    for variant, seed in ((run["variant"], run["seed"]) for run in plan["runs"]):
        if (variant, seed) not in metrics.index:
            run = RunFolder(folder / "runs" / variant / f"seed_{seed}")
            finished = (run.path / RECORD).is_file() and (run.path / TEST).is_file()
            damage = f" (damaged: {run.problem()})" if finished else ""
            missing.append(f"{variant}, seed {seed}{damage}".replace(f"{folder}/", ""))
    return missing


def read_plan(file: Path) -> dict[str, Any]:
    """The plan: the runs, tables and figures that the configuration asks for."""
    return read_as(PLAN, file, "start Snakemake once with the configuration of these results")


def inner(value: Any, key: str) -> Any:
    """The value of `key`, whose dots lead inwards; None if there is none."""
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
