"""Runtimes measured in rounds: the file that holds them, and the interval of their median."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from convnets.core.tables import read_table

ROUND = "round_"
"""`round_1`, `round_2`, ... in `runtimes.csv`: seconds an epoch as each round measured them."""
FEWEST_ROUNDS = 6
"""The smallest and largest of fewer values contain the median less than 95 % of the time."""
COLUMNS = [
    *("variant", "epoch_seconds", "epoch_seconds_low", "epoch_seconds_high", "rounds"),
    *("step_seconds", "validation_seconds", "batch_size", "train_images", "validation_images"),
    *("device", "device_name", "precision", "kernels", "threads"),
    *("other_cpu_share", "load_average", "other_gpu_processes"),
    *("measured", "git_commit", "python", "torch", "platform"),
]
"""Columns of `runtimes.csv` before those of the rounds.

`epoch_seconds` is the median over rounds, `other_cpu_share` the share of the machine's processor
time that other processes used during the blocks of the variant, `other_gpu_processes` the number
of processes on the GPU beside the measuring one.
"""


def median_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % confidence interval of the median of `values` (number,), which are independent.

    Its ends are order statistics, chosen by the binomial distribution (n = 9: the second smallest
    and the second largest value), so it assumes no shape of the noise, and one disturbed round
    does not move it. NaN for fewer than `FEWEST_ROUNDS` values.
    """
    chances = special.bdtr(np.arange(len(values) + 1), len(values), 0.5)
    rank = int(np.searchsorted(chances, 0.025))
    if rank < 1:
        return np.nan, np.nan
    ordered = np.sort(values)
    return float(ordered[rank - 1]), float(ordered[-rank])


def read_runtimes(path: Path) -> pd.DataFrame:
    """`runtimes.csv`, indexed by variant. Raises `UserError` if it is damaged."""
    measured = ("epoch_seconds", f"{ROUND}1")
    return read_table(
        path,
        remedy="measure it again with measure_runtimes.py",
        columns=(*COLUMNS, f"{ROUND}1"),
        numbers=measured,
        filled=("variant", "device_name", *measured),
        unique=("variant",),
    ).set_index("variant")
