"""Command-line options that several programs share, each described once."""

import argparse
from pathlib import Path
from typing import Any

PREFIX = "path of the files without their ending"
"""Help of `--output` where a program writes several files."""
OPTIONS: dict[str, dict[str, Any]] = {
    "data": {"type": Path, "help": "folder that prepare_data.py wrote"},
    "mechanism": {"type": Path, "help": "what measure_mechanism.py wrote"},
    "metrics": {"type": Path, "help": "what collect_metrics.py wrote"},
    "provenance": {"type": Path, "help": "provenance.json of the data"},
    "runs": {"type": Path, "nargs": "+", "metavar": "FOLDER", "help": "directories of the runs"},
    "variant": {"metavar": "JSON", "help": "the architecture, as in config.yaml"},
}


def option_parser(description: str | None, *names: str, output: str) -> argparse.ArgumentParser:
    """A parser with the required options `names`, and `--output` with the given help."""
    parser = argparse.ArgumentParser(description=description)
    for name in names:
        parser.add_argument(f"--{name}", required=True, **OPTIONS[name])
    parser.add_argument("--output", type=Path, required=True, help=output)
    return parser
