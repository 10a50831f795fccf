"""Draw one analysis of trained networks: TABLE (CSV), PREFIX.svg and PREFIX.png."""

import argparse
from pathlib import Path

from convnets.analyses.registry import ANALYSES
from convnets.analyses.runs import Inputs, Sweep
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.exhibits.style import save_figure, use_style


def main() -> None:
    arguments = parse_arguments()
    inputs = {name: value for name, value in vars(arguments).items() if name in Inputs._fields}
    use_style()
    analysis = ANALYSES[arguments.analysis](Sweep(Inputs(**inputs)))
    write_text(arguments.table, analysis.table.to_csv(index=False))
    save_figure(analysis.drawing, arguments.figure, analysis.title, analysis.description)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("analysis", choices=ANALYSES, help="the analysis to draw")
    for name, text in {
        "metrics": "metrics.csv of collect_metrics.py",
        "provenance": "provenance.json of the data",
        "table": "CSV file to write",
    }.items():
        parser.add_argument(f"--{name}", type=Path, required=True, help=text)
    for name, text in {
        "data": "confusions: folder of prepare_data.py",
        "gradients": "receptive_fields: npz file of measure_receptive_fields.py",
        "published": "accuracies: the paper's numbers, config/published_values.csv",
        "prior": "accuracies: folder of other people's runs, config/prior",
    }.items():
        parser.add_argument(f"--{name}", type=Path, default=Path(), help=text)
    parser.add_argument(
        "--runs", dest="folders", type=Path, nargs="+", required=True, metavar="RUN",
        help="folders of trained and tested runs",
    )  # fmt: skip
    parser.add_argument(
        "--figure", required=True, metavar="PREFIX", help="path of the figure without its ending"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
