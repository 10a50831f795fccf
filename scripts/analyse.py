"""Draw one analysis of trained networks: TABLE (CSV), FIGURE.svg and FIGURE.png."""

import argparse
from pathlib import Path

from convnets.analyses.registry import ANALYSES
from convnets.analyses.runs import Sweep
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.exhibits.style import save_figure, use_style

INPUTS = {
    "metrics": "metrics.csv",
    "provenance": "provenance.json of the data",
    "data": "folder of the prepared data, for confusions",
    "gradients": "npz file of measure_receptive_fields.py, for receptive_fields",
    "published": "the paper's numbers, for accuracies",
    "prior": "folder of other people's runs, for accuracies",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("analysis", choices=ANALYSES, help="the analysis to draw")
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="run directories")
    for name, text in INPUTS.items():
        needed = name in ("metrics", "provenance")
        parser.add_argument(f"--{name}", type=Path, required=needed, help=text)
    parser.add_argument("--table", type=Path, required=True, help="CSV file to write")
    parser.add_argument("--figure", required=True, help="figure to write, without its ending")
    arguments = parser.parse_args()
    use_style()
    analysis = ANALYSES[arguments.analysis](Sweep(arguments))
    write_text(arguments.table, analysis.table.to_csv(index=False))
    save_figure(analysis.drawing, arguments.figure, analysis.title, analysis.description)


if __name__ == "__main__":
    run_script(main)
