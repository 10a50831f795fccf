"""Collect the measures of finished runs in one tidy CSV file, a row per run and measure."""

import argparse
from pathlib import Path

from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.runs.metrics import collect
from convnets.runs.rounds import read_runtimes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=Path, nargs="+", required=True, metavar="FOLDER",
        help="folders of runs, each with run.json, history.csv and test.json",
    )  # fmt: skip
    parser.add_argument(
        "--runtimes", type=Path, help="what measure_runtimes.py wrote; else those of training count"
    )
    parser.add_argument("--output", type=Path, required=True, help="the CSV file to write")
    arguments = parser.parse_args()
    runtimes = read_runtimes(arguments.runtimes) if arguments.runtimes else None
    write_text(arguments.output, collect(arguments.runs, runtimes).to_csv(index=False))


if __name__ == "__main__":
    run_script(main)
