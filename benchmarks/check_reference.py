"""Notice a change that costs accuracy: train a small configuration on real images, and compare.

    make check-reference                                      # seed 0, a minute on idle cores
    make check-reference ARGS="--seeds 1 2 3 4 5 --record"    # records the expected accuracies

The expected accuracies are those of other seeds (results/check_reference.csv). Each variant has a
lower bound, the prediction interval for one more seed, with the spread between seeds pooled over
the variants; all bounds together hold in 99 % of the cases if nothing changed.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from scipy import stats

from convnets.core.errors import UserError, run_script
from convnets.core.files import write_text
from convnets.runs.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[1]
EXPECTED = ROOT / "benchmarks/results/check_reference.csv"
RESULTS = Path("results/check")
VARIANTS = ("fully_connected", "max_pool_2_f16", "stride_2_f16")
FALSE_ALARMS = 0.01
"""Share of checks that fail although nothing changed."""


def main() -> None:
    arguments = parse_arguments()
    if not arguments.archive:
        raise UserError("no archive of real images: set EMNIST_ARCHIVE=PATH, or give --archive")
    trained = train(Path(arguments.archive).resolve(), arguments.seeds, arguments.config)
    if arguments.record:
        write_text(EXPECTED, trained.to_csv(index=False))
        print(f"wrote {EXPECTED}")
        return
    report = compare(pd.read_csv(EXPECTED), trained)
    print(report.to_string(index=False, float_format="{:.4f}".format))
    lost = report[report["test_accuracy"] < report["lowest"]]
    if len(lost):
        names = ", ".join(f"{row.variant}, seed {row.seed}" for row in lost.itertuples())
        raise UserError(
            f"accuracy was lost: {names} is below what other seeds lead to expect. Look for the "
            "change that costs it, or record the new accuracies if it is meant (--record)"
        )


def train(archive: Path, seeds: list[int], changes: list[str]) -> pd.DataFrame:
    """Train and test every variant with every seed: `variant`, `seed`, `test_accuracy`, origin."""
    shutil.rmtree(ROOT / RESULTS, ignore_errors=True)
    runs = [RESULTS / "runs" / variant / f"seed_{seed}" for variant in VARIANTS for seed in seeds]
    data = json.dumps({"archive": {"path": str(archive)}})
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    command += ["--configfile", "config/check.yaml", "--config", f"data={data}", *changes]
    command += ["--", *(str(run / "test.json") for run in runs)]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise UserError("the training failed; Snakemake said why")
    rows = []
    for path in runs:
        run = RunFolder(ROOT / path)
        origin = {key: run.record[key] for key in ("precision", "device_name")}
        accuracy = run.test["test_accuracy"]
        rows.append({"variant": path.parent.name, "seed": run.record["seed"]})
        rows[-1] |= {"test_accuracy": accuracy} | origin
    return pd.DataFrame(rows)


def compare(expected: pd.DataFrame, trained: pd.DataFrame) -> pd.DataFrame:
    """Each trained run with the `expected` mean of other seeds and the `lowest` likely value."""
    groups = expected.groupby("variant")["test_accuracy"]
    squares = (groups.var(ddof=1) * (groups.size() - 1)).sum()
    df = len(expected) - groups.ngroups
    t = stats.t.ppf(1 - FALSE_ALARMS / len(trained), df)
    report = trained[["variant", "seed", "test_accuracy"]].copy()
    report["expected"] = report["variant"].map(groups.mean())
    seeds = report["variant"].map(groups.size())
    report["lowest"] = report["expected"] - t * (squares / df * (1 + 1 / seeds)).map(math.sqrt)
    return report


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archive", default=os.environ.get("EMNIST_ARCHIVE"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--record", action="store_true", help="write the expected accuracies")
    parser.add_argument("--config", nargs="+", default=[], help="changes of the configuration")
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
