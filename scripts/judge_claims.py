"""Judge the paper's claims on finished runs; write one row with a verdict for each part."""

import argparse
from pathlib import Path

from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.data.folder import read_provenance
from convnets.judging.claims import load_claims, read_mechanism
from convnets.judging.others import read_prior
from convnets.judging.published import read_published
from convnets.judging.table import judge_all
from convnets.judging.witnesses import read_right
from convnets.runs.metrics import read_runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=Path, nargs="+", required=True, help="folders of trained and tested runs"
    )
    parser.add_argument("--metrics", type=Path, required=True, help="what collect_metrics.py wrote")
    parser.add_argument(
        "--provenance", type=Path, required=True, help="provenance.json of the data"
    )
    parser.add_argument("--claims", type=Path, required=True, help="the claims, YAML")
    parser.add_argument("--published", type=Path, required=True, help="CSV of the paper's values")
    parser.add_argument(
        "--prior", type=Path, required=True, help="folder of other people's runs (config/prior)"
    )
    parser.add_argument(
        "--mechanism", type=Path, required=True, help="what measure_mechanism.py wrote"
    )
    parser.add_argument("--output", type=Path, required=True, help="the CSV file to write")
    arguments = parser.parse_args()
    table = judge_all(
        load_claims(arguments.claims),
        read_runs(arguments.metrics),
        read_right(arguments.runs),
        read_published(arguments.published),
        read_prior(arguments.prior),
        read_mechanism(arguments.mechanism),
        read_provenance(arguments.provenance),
    )
    write_text(arguments.output, table.to_csv(index=False))
    for claim, verdict in table.groupby("claim")["claim_verdict"].first().items():
        print(f"claim {claim}: {verdict}")


if __name__ == "__main__":
    run_script(main)
