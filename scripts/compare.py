"""Compare each published number with ours and others'; write a row with verdicts for each."""

import argparse
from pathlib import Path

from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.data.folder import read_provenance
from convnets.judging.comparison import compare
from convnets.judging.others import read_prior
from convnets.judging.published import read_published
from convnets.runs.metrics import read_runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", type=Path, required=True, help="what collect_metrics.py wrote")
    parser.add_argument("--published", type=Path, required=True, help="CSV of the paper's values")
    parser.add_argument(
        "--provenance", type=Path, required=True, help="provenance.json of the data"
    )
    parser.add_argument(
        "--prior", type=Path, required=True, help="folder of other people's runs (config/prior)"
    )
    parser.add_argument("--output", type=Path, required=True, help="the CSV file to write")
    arguments = parser.parse_args()
    provenance = read_provenance(arguments.provenance)
    comparison = compare(
        read_published(arguments.published),
        read_runs(arguments.metrics),
        provenance,
        read_prior(arguments.prior),
    )
    write_text(arguments.output, comparison.to_csv(index=False))


if __name__ == "__main__":
    run_script(main)
