"""Measure what convolutions cost by implementation, and where the time of networks goes.

Writes convolutions.csv, duplication.csv, agreement.csv and layer_times.csv, and machine.json with
the processor and the load that other processes put on it. Times are those of float32 with one
thread: set OPENBLAS_NUM_THREADS=1 and OMP_NUM_THREADS=1, as Snakemake does for one-thread rules.
"""

import math

import pandas as pd
import torch

from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.core.files import write_json, write_text
from convnets.lesson import efficiency
from convnets.lesson.cases import CASES, NETWORKS
from convnets.training.hardware import describe
from convnets.training.runtimes import cpu_seconds, other_cpu_share


def main() -> None:
    folder = option_parser(__doc__, output="folder to write to").parse_args().output
    torch.set_num_threads(1)
    start = cpu_seconds()
    tables = {
        "agreement": efficiency.measure_agreement(CASES),
        "duplication": efficiency.measure_duplication(CASES),
        "convolutions": efficiency.measure_convolutions(CASES),
        "layer_times": efficiency.measure_layer_times(NETWORKS),
    }
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        write_text(folder / f"{name}.csv", table.to_csv(index=False))
        print(f"{name}: {len(table)} rows", flush=True)
    machine = {"device_name": describe("cpu"), "threads": 1, "precision": "float32"}
    others = other_cpu_share(start)
    if not math.isnan(others):
        machine["other_cpu_share"] = round(others, 3)
    write_json(folder / "machine.json", machine)


if __name__ == "__main__":
    run_script(main)
