"""Make one table, our values beside the published ones: PREFIX.csv, PREFIX.md, PREFIX.tex."""

import argparse
from pathlib import Path

from convnets.config.experiments import Table
from convnets.config.settings import parse
from convnets.core.errors import run_script
from convnets.data.folder import read_provenance
from convnets.exhibits.files import make_table
from convnets.judging.published import read_published
from convnets.runs.metrics import read_runs


def main() -> None:
    arguments = parse_arguments()
    runs = read_runs(arguments.metrics)
    make_table(
        arguments.name,
        parse(Table, arguments.table, "--table"),
        runs,
        read_published(arguments.published),
        read_provenance(arguments.provenance),
        arguments.output,
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the table, such as table_1")
    parser.add_argument("--table", required=True, metavar="JSON", help="the table, as configured")
    parser.add_argument("--metrics", type=Path, required=True, help="what collect_metrics.py wrote")
    parser.add_argument("--published", type=Path, required=True, help="CSV of the paper's values")
    parser.add_argument(
        "--provenance", type=Path, required=True, help="provenance.json of the data"
    )
    parser.add_argument(
        "--output", required=True, metavar="PREFIX", help="path of the files without their ending"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
