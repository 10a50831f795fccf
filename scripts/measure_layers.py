"""Measure what convolutions cost by implementation, and where the time of networks goes.

Writes convolutions.csv, duplication.csv, agreement.csv and layer_times.csv, and machine.json with
the processor and the load that other processes put on it. Times are those of float32 with one
thread: set OPENBLAS_NUM_THREADS=1 and OMP_NUM_THREADS=1, as Snakemake does for one-thread rules.
"""

import argparse
import math
from pathlib import Path

import pandas as pd
import torch

from convnets.core.errors import run_script
from convnets.core.files import write_json, write_text
from convnets.lesson.cases import CASES, NETWORKS
from convnets.lesson.efficiency import measure_agreement, measure_convolutions, measure_duplication
from convnets.lesson.layer_times import measure_layer_times
from convnets.training.hardware import describe
from convnets.training.runtimes import Load


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    load = Load()
    tables = {
        "agreement": measure_agreement(CASES),
        "duplication": measure_duplication(CASES),
        "convolutions": measure_convolutions(CASES),
        "layer_times": measure_layer_times(NETWORKS),
    }
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        write_text(arguments.output / f"{name}.csv", table.to_csv(index=False))
        print(f"{name}: {len(table)} rows", flush=True)
    machine = {"device_name": describe("cpu"), "threads": 1, "precision": "float32"}
    others = load.other_cpu_share()
    if not math.isnan(others):
        machine["other_cpu_share"] = round(others, 3)
    write_json(arguments.output / "machine.json", machine)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FOLDER", help="folder to write to"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
