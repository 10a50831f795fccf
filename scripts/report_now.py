"""Make the report of what a folder of results holds by now, in seconds: nothing is trained.

From the finished runs in it (run.json, history.csv, test.json, predictions.npz) all that needs
neither images nor checkpoints is made again. Other files are shown as they are, and missing ones as
missing. `plan.json`, which Snakemake writes when it starts, says what there should be.

The workflow's report waits for every run, and each step is a job of its own. This program calls
the same functions one after the other.
"""

from convnets.core.arguments import results_parser
from convnets.core.errors import run_script
from convnets.report.remake import report_now


def main() -> None:
    report_now(results_parser(__doc__).parse_args().results.resolve())


if __name__ == "__main__":
    run_script(main)
