"""Draw validation accuracy in the course of training: PREFIX.svg and PREFIX.png."""

import argparse
import json
from pathlib import Path

from convnets.conditions import conditions
from convnets.errors import run_script
from convnets.experiments import Figure
from convnets.figures import describe, draw, read_trajectories
from convnets.metrics import read_runs, runs_of
from convnets.settings import from_json
from convnets.style import save_figure, use_style


def main() -> None:
    arguments = parse_arguments()
    figure = from_json(Figure, arguments.figure)
    provenance = json.loads(arguments.provenance.read_text(encoding="utf-8"))
    runs = runs_of(read_runs(arguments.metrics), *figure.variants)
    trajectories = read_trajectories(figure, runs, arguments.runs)
    remark = conditions(provenance, runs)
    use_style()
    drawing = draw(figure, trajectories, remark)
    save_figure(drawing, arguments.output, figure.title, describe(figure, trajectories, remark))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, metavar="JSON", help="the figure, as configured")
    parser.add_argument("--metrics", type=Path, required=True, help="what collect_metrics.py wrote")
    parser.add_argument("--runs", type=Path, required=True, help="folder with VARIANT/seed_S/")
    parser.add_argument(
        "--provenance", type=Path, required=True, help="provenance.json of the data"
    )
    parser.add_argument(
        "--output", required=True, metavar="PREFIX", help="path of the files without their ending"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
