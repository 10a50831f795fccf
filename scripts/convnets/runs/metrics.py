"""The measures of all runs as one tidy table, and the runtimes that are measured in rounds."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from convnets.core.errors import UserError
from convnets.core.tables import read_table
from convnets.runs.run_folder import RunFolder

ROUND = "round_"
"""Prefix of the columns `round_1`, ... of `runtimes.csv`: seconds per epoch in each round."""
FEWEST_ROUNDS = 6
"""The smallest and largest of fewer values contain the median less than 95 % of the time."""
RUNTIME_COLUMNS = [
    *("variant", "epoch_seconds", "epoch_seconds_low", "epoch_seconds_high", "rounds"),
    *("step_seconds", "validation_seconds", "batch_size", "train_images", "validation_images"),
    *("device", "device_name", "precision", "kernels", "threads"),
    *("other_cpu_share", "load_average", "other_gpu_processes"),
    *("measured", "git_commit", "python", "torch", "platform"),
]
"""Columns of `runtimes.csv` before those of the rounds; `epoch_seconds` is their median."""
UNITS = {
    "test_accuracy": "fraction",
    "test_loss": "nats",
    "test_images": "images",
    "official_test_accuracy": "fraction",
    "official_test_images": "images",
    "best_val_accuracy": "fraction",
    "best_epoch": "epoch",
    "epochs": "epochs",
    "epochs_trained": "epochs",
    "epoch_seconds": "s",
    "seconds_to_best": "s",
    "trained_epoch_seconds": "s",
    "trained_seconds_to_best": "s",
    "train_seconds": "s",
    "parameters": "parameters",
    "multiply_adds": "multiply-adds",
    "receptive_field": "pixels",
}
"""The measures of every run, and their units; docs/results.md explains them."""
OTHER_LOAD = {"other_cpu_share": "fraction", "other_gpu_processes": "processes"}
"""Share of the processor time, and processes on the GPU, of others during the measurement."""
RUNTIMES = ("epoch_seconds", "seconds_to_best")
REQUIRED = [name for name in UNITS if not name.startswith("official") and name not in RUNTIMES]
"""Measures of every run; the others are of some data, or of variants whose runtime was measured."""
COLUMNS = ["variant", "seed", "measure", "value", "unit", "device"]
FILTERS = "filters_layer_"
EPOCH_ROUND = f"epoch_seconds_{ROUND}"


def collect(folders: Iterable[Path], runtimes: pd.DataFrame | None = None) -> pd.DataFrame:
    """The measures of the runs in `folders`: one row (`COLUMNS`) per run and measure, by run.

    `runtimes` are those of `read_runtimes`. A variant that is missing there has no runtime, because
    seconds measured side by side are not comparable with those of training.
    """
    runs = list(map(RunFolder, folders))
    trained = {run.record["variant"]["id"] for run in runs}
    if runtimes is not None and (missing := sorted(trained - {*runtimes.index})):
        print(f"without a runtime, since they were not measured: {', '.join(missing)}")
    rows = itertools.chain.from_iterable(_rows(run, runtimes) for run in runs)
    metrics = pd.DataFrame(rows, columns=COLUMNS)
    return metrics.sort_values(["variant", "seed"], kind="stable", ignore_index=True)


def median_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % confidence interval of the median of independent `values` (number,), without a model.

    Its ends are order statistics, chosen by the binomial distribution (n = 9: the second smallest
    and the second largest value). NaN for fewer than `FEWEST_ROUNDS` values.
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
        columns=(*RUNTIME_COLUMNS, f"{ROUND}1"),
        numbers=measured,
        filled=("variant", "device_name", *measured),
        unique=("variant",),
    ).set_index("variant")


def read_runs(path: Path) -> pd.DataFrame:
    """`metrics.csv` with one row per run, see `by_run`. Raises `UserError` if it is damaged."""
    remedy = "make it again with collect_metrics.py"
    filled = [name for name in COLUMNS if name != "value"]
    metrics = read_table(path, remedy, COLUMNS, ("seed", "value"), filled, COLUMNS[:3])
    if metrics.empty:
        raise UserError(f"{path} has no runs; train and evaluate some first")
    value = metrics["value"]
    if (wrong := (value < 0) | (value > 1) & (metrics["unit"] == "fraction")).any():
        row = metrics[wrong].iloc[0]
        raise UserError(f"{path} is damaged ({row.measure} is {row.value:g}): {remedy}")
    runs = by_run(metrics)
    for name in REQUIRED:
        if name not in runs or not (runs[name].abs() < np.inf).all():
            raise UserError(f"{path} is damaged (a run has no {name}): {remedy}")
    return runs


def by_run(metrics: pd.DataFrame) -> pd.DataFrame:
    """The result of `collect` with a column for each measure, indexed by variant and seed.

    `device` is the processor or GPU of the training, `runtime_device` that of `epoch_seconds`.
    """
    runs, devices = (
        metrics.pivot(index=["variant", "seed"], columns="measure", values=values)
        for values in ("value", "device")
    )
    of_device = {"device": "train_seconds", "runtime_device": "epoch_seconds"}
    runs = runs.assign(**{name: devices.get(measure) for name, measure in of_device.items()})
    return runs.rename_axis(columns=None)


def runs_of(runs: pd.DataFrame, *variants: str) -> pd.DataFrame:
    """The rows of `runs` that belong to `variants`; none for a variant without runs."""
    return runs[runs.index.get_level_values("variant").isin(variants)]


def rank_variants(runs: pd.DataFrame, variants: Iterable[str]) -> list[str]:
    """The trained ones of `variants`, best mean validation accuracy first, ties as given."""
    means = runs.groupby("variant")["best_val_accuracy"].mean()
    trained = [variant for variant in variants if variant in means]
    return sorted(trained, key=lambda variant: -means[variant])


def filters_label(run: pd.Series) -> str:
    """The filters of a run as the paper writes them: `64`, or `16→32→64→128` layer by layer."""
    filters = run[_numbered(run.index, FILTERS)].dropna().astype(int)
    return "→".join(map(str, filters[:1] if filters.nunique() == 1 else filters))


def rounds_of(runs: pd.DataFrame, variant: str) -> np.ndarray:
    """Seconds per epoch of `variant` by round, (rounds,); empty if they are those of training."""
    rounds = _numbered(runs.columns, EPOCH_ROUND)
    return runs_of(runs, variant)[rounds].iloc[0].to_numpy(float)


def runtimes_measured(runs: pd.DataFrame) -> bool:
    """Whether the runtimes in `runs` were measured side by side."""
    return f"{EPOCH_ROUND}1" in runs


def read_history(folder: RunFolder) -> pd.DataFrame:
    """`history.csv` of a run, indexed by epoch, with the columns of `progress.Epoch`."""
    return pd.DataFrame(folder.history).astype({"epoch": int}).set_index("epoch")


def shared_epochs(runs: Iterable[RunFolder], measure: str) -> pd.DataFrame:
    """A measure in the epochs that all `runs` trained for, (epochs, runs)."""
    return pd.concat([read_history(run)[measure] for run in runs], axis=1, join="inner")


def _rows(run: RunFolder, runtimes: pd.DataFrame | None) -> Iterator[tuple[Any, ...]]:
    """The rows of a run, with its own runtimes or those measured for its variant."""
    record, seconds = run.record, read_history(run)["epoch_seconds"]
    variant, best = record["variant"], record["best_epoch"]
    own = {"epoch_seconds": seconds.mean(), "seconds_to_best": seconds.loc[:best].sum()}
    known = {"epochs_trained": len(seconds)} | record | run.test | own
    known |= {f"trained_{name}": value for name, value in own.items()}
    values = {name: known[name] for name in UNITS if name in known}
    filters = np.broadcast_to(variant["filters"], variant["num_layers"])
    values |= {f"{FILTERS}{layer}": number for layer, number in enumerate(filters, start=1)}
    devices = dict.fromkeys(values, record["device_name"])
    if runtimes is not None and variant["id"] not in runtimes.index:
        for name in RUNTIMES:
            del values[name]
    elif runtimes is not None:
        row = runtimes.loc[variant["id"]]
        epoch = row["epoch_seconds"]
        measured = {"epoch_seconds": epoch, "seconds_to_best": best * epoch}
        measured |= {f"epoch_seconds_{name}": row[name] for name in _numbered(row.index, ROUND)}
        measured |= {name: row[name] for name in OTHER_LOAD if pd.notna(row[name])}
        values |= measured
        devices |= dict.fromkeys(measured, row["device_name"])
    units = dict.fromkeys(values, "s") | UNITS | OTHER_LOAD
    units |= {name: "filters" for name in values if name.startswith(FILTERS)}
    for measure, value in values.items():
        yield variant["id"], record["seed"], measure, value, units[measure], devices[measure]


def _numbered(names: pd.Index, prefix: str) -> list[str]:
    """The `names` that consist of `prefix` and a number, by number."""
    found = (name for name in names if name.startswith(prefix))
    return sorted(found, key=lambda name: int(name.removeprefix(prefix)))
