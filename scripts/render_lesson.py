"""Execute the lesson's notebook on what was measured and render it as one self-contained page."""

import argparse
from pathlib import Path

from convnets.core.errors import run_script
from convnets.notebook import publish


def main() -> None:
    arguments = parse_arguments()
    parameters = {"results": str(arguments.results)}
    publish(arguments.notebook, parameters, arguments.template, arguments.output)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the results")
    parser.add_argument("--notebook", type=Path, required=True, help="notebook to execute")
    parser.add_argument("--template", type=Path, required=True, help="folder of the HTML template")
    parser.add_argument(
        "--output", type=Path, required=True, help="page to write; the notebook goes beside it"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
