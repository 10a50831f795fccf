"""Judge the paper's numbers, claims and readings on finished runs.

Writes comparison.csv, a row for each published number; claims.csv, a row for each part of a claim;
and readings.csv, a row for each quantity of a reading that was run both ways.
"""

from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.core.tables import write_table
from convnets.data.folder import read_provenance
from convnets.judging.claims import read_mechanism
from convnets.judging.table import judge_runs
from convnets.runs.metrics import read_runs


def main() -> None:
    names = ("runs", "metrics", "provenance", "mechanism")
    arguments = option_parser(__doc__, *names, output="folder to write to").parse_args()
    tables = judge_runs(
        arguments.runs,
        read_runs(arguments.metrics),
        read_mechanism(arguments.mechanism),
        read_provenance(arguments.provenance),
    )
    for name, table in tables.items():
        write_table(arguments.output / f"{name}.csv", table)
    for claim, verdict in tables["claims"].groupby("claim")["claim_verdict"].first().items():
        print(f"claim {claim}: {verdict}")


if __name__ == "__main__":
    run_script(main)
