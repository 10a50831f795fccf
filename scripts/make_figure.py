"""Draw validation accuracy in the course of training: PREFIX.svg, PREFIX.png, PREFIX.csv."""

import argparse
from pathlib import Path

from convnets.config.experiments import Figure
from convnets.config.settings import parse
from convnets.core.errors import run_script
from convnets.data.folder import read_provenance
from convnets.exhibits.files import make_figure
from convnets.runs.metrics import read_runs


def main() -> None:
    arguments = parse_arguments()
    make_figure(
        parse(Figure, arguments.figure, "--figure"),
        read_runs(arguments.metrics),
        arguments.runs,
        read_provenance(arguments.provenance),
        arguments.published,
        arguments.prior,
        arguments.output,
    )


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
