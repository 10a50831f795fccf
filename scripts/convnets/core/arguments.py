"""Command-line options that several programs share."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

PREFIX = "path of the files without their ending"
"""Help of `--output` for programs that write several files."""
OPTIONS: dict[str, dict[str, Any]] = {
    "data": {"type": Path, "help": "folder that prepare_data.py wrote"},
    "mechanism": {"type": Path, "help": "what measure_mechanism.py wrote"},
    "metrics": {"type": Path, "help": "what collect_metrics.py wrote"},
    "provenance": {"type": Path, "help": "provenance.json of the data"},
    "runs": {"type": Path, "nargs": "+", "metavar": "FOLDER", "help": "directories of the runs"},
    "runs-per-gpu": {"type": int, "default": 1, "help": "runs that share a GPU (1)"},
    "settings": {
        "metavar": "JSON",
        "help": "the section `data` of the configuration; keys left out have their defaults",
    },
    "variant": {"metavar": "JSON", "help": "the architecture, as in config.yaml"},
}


def option_parser(
    description: str | None, *names: str, output: str | None = None
) -> ArgumentParser:
    """A parser with the options `names`, and `--output` if its help is given."""
    parser = ArgumentParser(description=description)
    for name in names:
        required = "default" not in OPTIONS[name]
        parser.add_argument(f"--{name}", required=required, **OPTIONS[name])
    if output is not None:
        parser.add_argument("--output", type=Path, required=True, help=output)
    return parser


def results_parser(description: str | None, **settings: Any) -> ArgumentParser:
    """A parser for programs that work on a folder of results."""
    parser = ArgumentParser(description=description, **settings)
    parser.add_argument("results", type=Path, help="folder of the results, such as results/demo")
    return parser
