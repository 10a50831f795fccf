"""Judge which way of reading the paper agrees better with what it published; write a table."""

import argparse
from pathlib import Path

from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.data.folder import read_provenance
from convnets.judging.published import read_published
from convnets.judging.readings import TOTAL, judge_readings, load_readings, read_paper
from convnets.runs.metrics import read_runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", type=Path, required=True, help="what collect_metrics.py wrote")
    parser.add_argument(
        "--provenance", type=Path, required=True, help="provenance.json of the data"
    )
    parser.add_argument("--readings", type=Path, required=True, help="the readings, YAML")
    parser.add_argument("--published", type=Path, required=True, help="CSV of the paper's values")
    parser.add_argument("--output", type=Path, required=True, help="the CSV file to write")
    arguments = parser.parse_args()
    table = judge_readings(
        load_readings(read_paper(arguments.readings)["readings"]),
        read_published(arguments.published),
        read_runs(arguments.metrics),
        read_provenance(arguments.provenance),
    )
    write_text(arguments.output, table.to_csv(index=False))
    for row in table[table["quantity"] == TOTAL].itertuples():
        print(f"{row.reading} {row.verdict}")


if __name__ == "__main__":
    run_script(main)
