"""What every program that draws an analysis is told."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from convnets.analyses.runs import Runs, load_runs
from convnets.runs.metrics import read_runs


@dataclass(frozen=True)
class Sweep:
    """The runs to analyse, their measures, and where their data come from."""

    runs: Runs
    metrics: pd.DataFrame
    """See `read_runs`."""
    provenance: dict[str, Any]


def analysis_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the inputs and outputs that all analyses have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--runs", type=Path, nargs="+", required=True, help="folders of trained and tested runs"
    )
    parser.add_argument("--metrics", type=Path, required=True, help="what collect_metrics.py wrote")
    parser.add_argument(
        "--provenance", type=Path, required=True, help="provenance.json of the data"
    )
    parser.add_argument("--table", type=Path, required=True, help="the CSV file to write")
    parser.add_argument(
        "--figure", required=True, metavar="PREFIX", help="path of the figure without its ending"
    )
    return parser


def read_sweep(arguments: argparse.Namespace) -> Sweep:
    """What the arguments name."""
    return Sweep(
        load_runs(arguments.runs),
        read_runs(arguments.metrics),
        json.loads(arguments.provenance.read_text(encoding="utf-8")),
    )
