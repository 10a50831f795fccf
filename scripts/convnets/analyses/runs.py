"""The finished runs that the analyses look at, and their predictions for the test images."""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure as Drawing

from convnets.architectures.methods import METHODS
from convnets.data.folder import read_provenance
from convnets.exhibits.labels import label
from convnets.judging.conditions import conditions
from convnets.runs.metrics import read_runs
from convnets.runs.run_folder import RunFolder

Runs = Mapping[str, Sequence[RunFolder]]
"""Runs by variant, from the smallest seed. Methods are in the paper's order."""


class AnalysedRuns:
    """The runs to analyse, their measures, and the provenance of their data."""

    def __init__(self, arguments: Namespace) -> None:
        self.arguments = arguments
        self.runs = load_runs(arguments.runs)
        self.metrics = read_runs(arguments.metrics)
        self.provenance = read_provenance(arguments.provenance)

    @cached_property
    def labels(self) -> dict[str, str]:
        """Each variant in words, by its id."""
        return {id: label(run.variant) for id, (run, *_) in self.runs.items()}

    def conditions(self, runs: pd.DataFrame | None = None) -> str:
        """Data, epochs, seeds and hardware of some runs, or of all, for captions."""
        return conditions(self.provenance, self.metrics if runs is None else runs)


class Analysis(NamedTuple):
    """A figure with its numbers, and its `title` and `description` in words."""

    words: Mapping[str, str]
    table: pd.DataFrame
    drawing: Drawing


def load_runs(folders: Iterable[Path]) -> dict[str, list[RunFolder]]:
    """The runs in `folders`. Within a method, variants keep the order in which they come."""
    methods = list(METHODS)
    by_variant: dict[str, list[RunFolder]] = {}
    for run in sorted(map(RunFolder, folders), key=lambda run: methods.index(run.variant.method)):
        by_variant.setdefault(run.variant.id, []).append(run)
    return {
        id: sorted(seeds, key=lambda run: run.record["seed"]) for id, seeds in by_variant.items()
    }


def one_of_each_method(runs: Runs) -> dict[str, str]:
    """The first variant of each method, by method."""
    first: dict[str, str] = {}
    for id, (run, *_) in runs.items():
        first.setdefault(run.variant.method, id)
    return first
