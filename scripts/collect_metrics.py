"""Collect the measures of finished runs in one tidy CSV file, a row per run and measure."""

import argparse
from pathlib import Path

from convnets.errors import run_script
from convnets.files import write_text
from convnets.metrics import collect


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=Path, nargs="+", required=True, metavar="FOLDER",
        help="folders of runs, each with run.json, history.csv and test.json",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, required=True, help="the CSV file to write")
    arguments = parser.parse_args()
    write_text(arguments.output, collect(arguments.runs).to_csv(index=False))


if __name__ == "__main__":
    run_script(main)
