"""Execute the notebook of a page on the results and render it as one self-contained file."""

import argparse
from pathlib import Path

from convnets.core.errors import run_script
from convnets.report.page import publish


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", choices=["report", "lesson"], help="the page, report/PAGE.ipynb")
    parser.add_argument("--results", type=Path, required=True, help="folder of the results")
    parser.add_argument(
        "--output", type=Path, required=True, help="page to write; the notebook goes beside it"
    )
    arguments = parser.parse_args()
    publish(arguments.page, {"results": str(arguments.results)}, arguments.output)


if __name__ == "__main__":
    run_script(main)
