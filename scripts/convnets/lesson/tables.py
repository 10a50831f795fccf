"""The lesson's tables of measurements, as values; `plots` has its figures."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from convnets.config.settings import MACHINE_FOLDER, read_as
from convnets.core.kinds import section
from convnets.core.tables import read_table
from convnets.data.folder import read_provenance
from convnets.exhibits.labels import label
from convnets.judging.conditions import HIGH_LOAD
from convnets.lesson.cases import LARGE, NETWORKS, SMALL, Case

LABELS = {
    "loops": "loops",
    "im2col": "im2col",
    "views": "strided views",
    "fourier": "Fourier",
    "pytorch": "PyTorch",
    "matrix_product": "matrix product alone",
}
"""Names of the implementations, in the order of the tables."""
NAMES = {variant.id: label(variant) for variant in NETWORKS}
"""Names of the networks."""
PASSES = ["outputs", "input_gradients", "weight_gradients"]
CASE = [field.name for field in dataclasses.fields(Case)]
COLUMNS = {
    "convolutions": (*CASE, "seconds", "peak_bytes", "rate", "machine_rate", "pass"),
    "duplication": (*CASE, "input_bytes", "column_bytes", "duplication", "theory"),
    "agreement": ("difference", "implementation", "dtype"),
    "layer_times": ("seconds", "share", "variant", "kind", "pass"),
}
"""Columns of the measured tables."""
WORDS = ("implementation", "dtype", "variant", "kind", "pass")
"""Columns of words; the others have numbers."""
MACHINE = section({"other_cpu_share": float}, device_name=str, threads=int, precision=str)
"""The content of `machine.json`."""
FIRST_STEPS = 200
"""Number of steps in which rounding alone should not separate two trainings."""


class Measured(NamedTuple):
    """Costs of layers on this machine: the files that `scripts/measure_layers.py` writes."""

    convolutions: pd.DataFrame
    duplication: pd.DataFrame
    agreement: pd.DataFrame
    layer_times: pd.DataFrame
    machine: dict[str, Any]

    @property
    def machine_rate(self) -> float:
        """Operations a second of the fastest that was measured, on purpose or by the way."""
        return float(self.convolutions[["machine_rate", "rate"]].to_numpy().max())

    def rows_of(self, case: Case) -> pd.DataFrame:
        """The measurements of one convolution."""
        rows = self.convolutions
        return rows[(rows[CASE] == pd.Series(dataclasses.asdict(case))).all(axis=1)]

    def costs(self, case: Case) -> list[dict[Any, Any]]:
        """Milliseconds of each pass, peak MB and rate of a convolution, by implementation."""
        chosen = self.rows_of(case)
        table = chosen.pivot(index="implementation", columns="pass", values="seconds")[PASSES]
        rate = case.multiply_adds * 2 * len(PASSES) / table.sum(axis=1)
        peak = chosen.groupby("implementation")["peak_bytes"].max() / 1e6
        table = (1000 * table).assign(peak=peak, rate=rate, share=rate / self.machine_rate)
        return _labelled(table)

    def times_as_long(self, case: Case, one: str, other: str) -> float:
        """Ratio of the times of two implementations, all passes together."""
        seconds = self.rows_of(case).groupby("implementation")["seconds"].sum()
        return float(seconds[one] / seconds[other])

    def duplicated(self) -> list[dict[Any, Any]]:
        """im2col's columns over its input, for kernels, strides and sizes."""
        rows = self.duplication
        chosen = rows[(rows["batch"] == LARGE.batch) & (rows["channels"] == LARGE.channels)]
        return chosen.sort_values(["kernel", "stride", "size"]).to_dict("records")

    def differences(self) -> list[dict[Any, Any]]:
        """The largest difference of each implementation from PyTorch, by kind of number."""
        groups = self.agreement.groupby(["implementation", "dtype"])["difference"]
        return _labelled(groups.max().unstack())

    def shares(self) -> pd.DataFrame:
        """Share of each kind of layer in both passes together, by network."""
        seconds = self.layer_times.pivot_table(
            index="variant", columns="kind", values="seconds", aggfunc="sum"
        )
        order = self.layer_times["variant"].unique()
        return seconds.div(seconds.sum(axis=1), axis=0).loc[order].rename(index=NAMES)

    def share_of_products(self) -> pd.Series:
        """Percent of the time of each network in convolutions and fully-connected layers."""
        return 100 * self.shares()[["convolution", "fully_connected"]].sum(axis=1)

    def shares_by_pass(self) -> dict[Any, dict[Any, Any]]:
        """The share of each kind of layer by network, then by pass and kind."""
        table = self.layer_times.pivot(index="variant", columns=["pass", "kind"], values="share")
        order = self.layer_times["variant"].unique()
        return table.loc[order].rename(index=NAMES).to_dict("index")


def _labelled(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows of a table by implementation, in the order and with the names of `LABELS`."""
    rows = table.reindex([name for name in LABELS if name in table.index])
    return rows.rename(index=LABELS).reset_index().to_dict("records")


def load_measured(results: Path) -> Measured | None:
    """Measurements that the runs beside `results` share; None if nothing was measured yet."""
    folder = results.with_name(MACHINE_FOLDER)
    if not (folder / "machine.json").is_file():  # the last file to be written
        return None
    remedy = "measure it again with measure_layers.py"
    tables = {
        name: read_table(folder / f"{name}.csv", remedy, columns, {*columns} - {*WORDS})
        for name, columns in COLUMNS.items()
    }
    machine = read_as(MACHINE, folder / "machine.json", remedy)
    return Measured(**tables, machine=machine)


class Twins(NamedTuple):
    """Training records of the network by hand and of its twin in PyTorch."""

    records: pd.DataFrame
    """`lesson/from_scratch.csv`: a row for each `convnets.lesson.from_scratch.Record`."""
    images: str
    """Name of the data."""

    def losses(self) -> pd.DataFrame:
        """The training loss of both networks by step, and their distance."""
        rows = self._both("train_loss", "step")
        return rows.assign(distance=(rows["by_hand"] - rows["pytorch"]).abs())

    def accuracies(self) -> pd.DataFrame:
        """The test accuracy of both networks after each epoch."""
        return self._both("test_accuracy", "epoch")

    def _both(self, measure: str, index: str) -> pd.DataFrame:
        chosen = self.records[self.records["measure"] == measure]
        return chosen.pivot(index=index, columns="implementation", values="value")


def load_twins(results: Path) -> Twins:
    """Read the training records of both networks under `results`."""
    provenance = read_provenance(results / "data/provenance.json")
    records = read_table(
        results / "lesson/from_scratch.csv",
        "train again with train_from_scratch.py",
        columns=("implementation", "epoch", "step", "measure", "value"),
        numbers=("epoch", "step", "value"),
        unique=("implementation", "epoch", "step", "measure"),
    )
    return Twins(records, images=provenance["display_name"])


def described(case: Case) -> str:
    """The case in words."""
    return (
        f"{case.batch} images of {case.size}×{case.size} pixels, {case.channels} channels, "
        f"a {case.kernel}×{case.kernel} kernel, stride {case.stride}"
    )


def for_templates(results: Path) -> dict[str, Any]:
    """Values for the templates in report/sections/lesson."""
    names = {"small": SMALL, "large": LARGE, "described": described, "labels": LABELS}
    return names | {
        "measured": load_measured(results),
        "case_keys": CASE,
        "first_steps": FIRST_STEPS,
        "high_load": HIGH_LOAD,
        "figures": results / "figures",
    }
