"""Execute the report's notebook on the results and render it as one self-contained page."""

import argparse
from pathlib import Path

from convnets.core.errors import run_script
from convnets.notebook import publish


def main() -> None:
    arguments = parse_arguments()
    parameters = {
        "results": str(arguments.results),
        "readings": str(arguments.readings),
        "fidelity": str(arguments.fidelity),
        "experiments": split_names(arguments.experiments),
        "figures": split_names(arguments.figures),
        "command": arguments.command,
    }
    publish(arguments.notebook, parameters, arguments.template, arguments.output)


def split_names(text: str) -> list[str]:
    """The names in a list separated by commas, which may be empty."""
    return [name for name in text.split(",") if name]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the results")
    parser.add_argument(
        "--experiments", required=True, help="tables to show, in this order: table_1,table_2"
    )
    parser.add_argument(
        "--figures", required=True, help="figures to show, in this order: figure_06,figure_08"
    )
    parser.add_argument("--readings", type=Path, required=True, help="readings of the paper, YAML")
    parser.add_argument(
        "--fidelity", type=Path, required=True, help="study of the training plan, csv"
    )
    parser.add_argument("--notebook", type=Path, required=True, help="notebook to execute")
    parser.add_argument("--template", type=Path, required=True, help="folder of the HTML template")
    parser.add_argument(
        "--command", default="", help="command that makes the same results, for the reader"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="page to write; the notebook goes beside it"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
