"""Analyse trained networks: PREFIX.svg, PREFIX.png and a table of the numbers."""

import argparse
from pathlib import Path

from convnets.analyses import agreement, confusion_figure, curves, pareto, receptive_field_figure
from convnets.analyses.runs import Sweep, load_runs
from convnets.config.experiments import ANALYSES
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.data.dataset import load_dataset
from convnets.exhibits.style import save_figure, use_style
from convnets.runs.metrics import read_runs

MODULES = {
    "receptive_fields": receptive_field_figure,
    "pareto": pareto,
    "confusions": confusion_figure,
    "agreement": agreement,
    "curves": curves,
}
"""The module of each analysis, whose function `analyse` does it."""


def main() -> None:
    arguments = parse_arguments()
    sweep = Sweep(
        load_runs(arguments.runs),
        read_runs(arguments.metrics),
        load_dataset(arguments.data),
        arguments.gradients,
    )
    use_style()
    analysis = MODULES[arguments.name].analyse(sweep)
    write_text(arguments.table, analysis.table.to_csv(index=False))
    title = ANALYSES[arguments.name]
    save_figure(analysis.drawing, arguments.figure, title, analysis.description)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", choices=ANALYSES, required=True, help="the analysis")
    parser.add_argument(
        "--runs", type=Path, nargs="+", required=True, help="folders of trained and tested runs"
    )
    parser.add_argument("--metrics", type=Path, required=True, help="what collect_metrics.py wrote")
    parser.add_argument("--data", type=Path, required=True, help="folder that prepare_data wrote")
    parser.add_argument(
        "--gradients", type=Path, default=Path("gradients.npz"),
        help="what measure_receptive_fields.py wrote, for receptive_fields",
    )  # fmt: skip
    parser.add_argument("--table", type=Path, required=True, help="the CSV file to write")
    parser.add_argument(
        "--figure", required=True, metavar="PREFIX", help="path of the figure without its ending"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
