"""Draw validation accuracy in the course of training: PREFIX.svg, PREFIX.png, PREFIX.csv."""

from pathlib import Path

from convnets.config.experiments import Figure
from convnets.config.settings import parse
from convnets.core.arguments import PREFIX, option_parser
from convnets.core.errors import run_script
from convnets.data.folder import read_provenance
from convnets.exhibits.figures import make_figure
from convnets.runs.metrics import read_runs


def main() -> None:
    parser = option_parser(__doc__, "metrics", "provenance", output=PREFIX)
    parser.add_argument("--figure", required=True, metavar="JSON", help="the figure, as configured")
    parser.add_argument("--runs", type=Path, required=True, help="folder with VARIANT/seed_S/")
    arguments = parser.parse_args()
    figure = parse(Figure, arguments.figure, "--figure")
    runs, provenance = read_runs(arguments.metrics), read_provenance(arguments.provenance)
    make_figure(figure, runs, arguments.runs, provenance, arguments.output)


if __name__ == "__main__":
    run_script(main)
