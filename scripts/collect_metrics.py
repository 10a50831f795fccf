"""Collect the measures of finished runs in one tidy CSV file, a row per run and measure."""

from pathlib import Path

from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.runs.metrics import collect, read_runtimes


def main() -> None:
    parser = option_parser(__doc__, "runs", output="the CSV file to write")
    text = "what measure_runtimes.py wrote; else those of training count"
    parser.add_argument("--runtimes", type=Path, help=text)
    arguments = parser.parse_args()
    runtimes = read_runtimes(arguments.runtimes) if arguments.runtimes else None
    write_text(arguments.output, collect(arguments.runs, runtimes).to_csv(index=False))


if __name__ == "__main__":
    run_script(main)
