"""Draw validation accuracy in the course of training: PREFIX.svg, PREFIX.png, PREFIX.csv."""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

from convnets.config.experiments import Figure
from convnets.config.settings import from_json
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.exhibits.figures import describe, draw, numbers, read_trajectories
from convnets.exhibits.style import save_figure, use_style
from convnets.judging.conditions import conditions, runtime_conditions
from convnets.runs.metrics import read_runs, runs_of


def main() -> None:
    arguments = parse_arguments()
    make_figure(
        from_json(Figure, arguments.figure),
        read_runs(arguments.metrics),
        arguments.runs,
        json.loads(arguments.provenance.read_text(encoding="utf-8")),
        arguments.published,
        arguments.prior,
        arguments.output,
    )


def make_figure(
    figure: Figure,
    metrics: pd.DataFrame,
    folder: Path,
    provenance: dict[str, Any],
    published: Path,
    prior: Path,
    prefix: str,
) -> None:
    """Write the figure's three files from the histories in `folder`."""
    runs = runs_of(metrics, *figure.variants)
    trajectories = read_trajectories(figure, runs, folder, published, prior)
    about = conditions(provenance, runs)
    if figure.x == "seconds":
        about += f". {runtime_conditions(runs)}"
    use_style()
    drawing = draw(figure, trajectories, about)
    save_figure(drawing, prefix, figure.title, describe(figure, trajectories, about))
    write_text(f"{prefix}.csv", numbers(trajectories).to_csv(index=False))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, metavar="JSON", help="the figure, as configured")
    parser.add_argument(
        "--metrics", type=Path, required=True, help="metrics.csv of collect_metrics.py"
    )
    parser.add_argument("--runs", type=Path, required=True, help="folder with VARIANT/seed_S/")
    parser.add_argument(
        "--provenance", type=Path, required=True, help="provenance.json of the data"
    )
    parser.add_argument("--published", type=Path, required=True, help="the paper's numbers")
    parser.add_argument("--prior", type=Path, required=True, help="folder of other people's runs")
    parser.add_argument(
        "--output", required=True, metavar="PREFIX", help="path of the files without their ending"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
