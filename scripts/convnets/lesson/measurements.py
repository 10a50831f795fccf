"""The lesson's measurements, and their tables and plots for the templates."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from convnets.config.settings import MACHINE_FOLDER, read_as
from convnets.core.kinds import section
from convnets.core.tables import read_table
from convnets.data.folder import read_provenance
from convnets.exhibits import style
from convnets.judging.conditions import HIGH_LOAD
from convnets.lesson.cases import LARGE, NETWORKS, PASSES, SMALL, Case

LOOKS = {
    "loops": ("loops", "#000000", "X"),
    "im2col": ("im2col", "#0072B2", "o"),
    "views": ("strided views", "#009E73", "^"),
    "fourier": ("Fourier", "#D55E00", "D"),
    "pytorch": ("PyTorch", "#CC79A7", "s"),
    "matrix_product": ("matrix product alone", "#E69F00", "v"),
}
"""Name, colour and marker of each implementation, in the order of the tables. The colours are those
of Okabe and Ito, which the colour-blind can tell apart."""
LABELS = {implementation: name for implementation, (name, _, _) in LOOKS.items()}
KINDS = {"convolution": "#0072B2", "fully_connected": "#E69F00", "other": "0.8"}
AXES = {
    "batch": "images at once",
    "channels": "channels",
    "kernel": "width of the kernel",
    "stride": "stride",
    "size": "width of the image",
}
NAMES = {variant.id: variant.label for variant in NETWORKS}
"""Names of the networks."""
CASE = [*Case._fields]
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


class Measured(NamedTuple):
    """Costs of layers on this machine: the files that `scripts/measure_layers.py` writes."""

    convolutions: pd.DataFrame
    duplication: pd.DataFrame
    agreement: pd.DataFrame
    layer_times: pd.DataFrame
    machine: dict[str, Any]

    @property
    def by_case(self) -> Any:
        """The measurements of convolutions in groups by case and implementation."""
        return self.convolutions.groupby([*CASE, "implementation"])

    @property
    def machine_rate(self) -> float:
        """Operations a second of the fastest that was measured, on purpose or by the way."""
        return float(self.convolutions[["machine_rate", "rate"]].to_numpy().max())

    def costs(self, case: Case) -> list[dict[Any, Any]]:
        """Milliseconds of each pass, peak MB and rate of a convolution, by implementation."""
        chosen = self.convolutions.groupby(CASE).get_group(case)
        table = chosen.pivot(index="implementation", columns="pass", values="seconds")
        rate = case.multiply_adds * 2 * len(PASSES) / table.sum(axis=1)
        peak = self.by_case["peak_bytes"].max()[case] / 1e6
        table = (1000 * table).assign(peak=peak, rate=rate, share=rate / self.machine_rate)
        return _labelled(table)

    def times_as_long(self, case: Case, one: str, other: str) -> float:
        """Ratio of the times of two implementations, all passes together."""
        seconds = self.by_case["seconds"].sum()[case]
        return float(seconds[one] / seconds[other])

    def duplicated(self) -> list[dict[Any, Any]]:
        """im2col's columns over its input, for kernels, strides and sizes."""
        chosen = self.duplication.groupby(["batch", "channels"]).get_group(LARGE[:2])
        return chosen.sort_values(["kernel", "stride", "size"]).to_dict("records")

    def differences(self) -> list[dict[Any, Any]]:
        """The largest difference of each implementation from PyTorch, by kind of number."""
        groups = self.agreement.groupby(["implementation", "dtype"])["difference"]
        return _labelled(groups.max().unstack())

    def shares(self) -> pd.DataFrame:
        """Share of each kind of layer in both passes together, by network."""
        seconds = self.layer_times.pivot_table("seconds", "variant", "kind", "sum", sort=False)
        return seconds.div(seconds.sum(axis=1), axis=0)

    def shares_by_pass(self) -> dict[Any, dict[Any, Any]]:
        """The share of each kind of layer by network, then by pass and kind."""
        table = self.layer_times.pivot_table("share", "variant", ["pass", "kind"], sort=False)
        return table.to_dict("index")


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
    tables["layer_times"] = tables["layer_times"].replace({"variant": NAMES})
    return Measured(**tables, machine=read_as(MACHINE, folder / "machine.json", remedy))


class Twins(NamedTuple):
    """Training records of the network by hand and of its twin in PyTorch."""

    losses: pd.DataFrame
    """Training loss of both networks by step, and their distance."""
    accuracies: pd.DataFrame
    """Test accuracy of both networks after each epoch."""
    images: str
    """Name of the data."""


def load_twins(results: Path) -> Twins:
    """Read the training records of both networks under `results`."""
    key = ["implementation", "epoch", "step", "measure"]
    records = read_table(
        results / "lesson/from_scratch.csv",
        "train again with train_from_scratch.py",
        columns=(*key, "value"),
        numbers=("epoch", "step", "value"),
        unique=key,
    )
    groups = records.groupby("measure")
    losses = groups.get_group("train_loss").pivot_table("value", "step", "implementation")
    accuracies = groups.get_group("test_accuracy").pivot_table("value", "epoch", "implementation")
    losses["distance"] = (losses["by_hand"] - losses["pytorch"]).abs()
    provenance = read_provenance(results / "data/provenance.json")
    return Twins(losses, accuracies, provenance["display_name"])


def plot_shares(measured: Measured) -> Figure:
    """Shares of each network's time by kind of layer."""
    rows = measured.shares()
    figure = Figure(figsize=(style.WIDTH, 0.9 + 0.19 * len(rows)), layout="constrained")
    axes = figure.subplots()
    left = pd.Series(0.0, rows.index)
    for kind, colour in KINDS.items():
        name = kind.replace("_", "-")
        axes.barh(rows.index, 100 * rows[kind], left=left, color=colour, label=name)
        left += 100 * rows[kind]
    axes.set(xlim=(0, 100), xlabel="% of the time of a batch, forward and backward")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", labelsize=style.SMALL)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=3, fontsize=style.SMALL, frameon=False)
    return figure


def plot_losses(twins: Twins) -> Figure:
    """The loss curves of the hand-written network and PyTorch's, and their distance."""
    rows = twins.losses
    figure = Figure(figsize=(style.WIDTH, 0.85 * style.WIDTH), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    above.plot(rows["pytorch"], color="#E69F00", linewidth=4, label="PyTorch")
    above.plot(rows["by_hand"], color="#0072B2", linewidth=1, label="by hand")
    above.set(ylabel="training loss")
    above.legend()
    distance = rows["distance"]
    below.plot(distance.where(distance > 0), color="0.3", linewidth=0.8)
    below.set(yscale="log", ylabel="difference", xlabel="step")
    return figure


def plot_around(costs: pd.Series, case: Case, unit: str) -> Figure:
    """Five panels: `costs` by case and implementation, as one number of `case` changes."""
    table = costs.unstack("implementation")
    figure = Figure(figsize=(style.WIDTH, 0.8 * style.WIDTH), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True).flat
    for axes, (name, text) in zip(panels, AXES.items(), strict=False):
        others = [key for key in CASE if key != name]
        chosen = table.xs(tuple(getattr(case, key) for key in others), level=others)
        for implementation in [name for name in LOOKS if name in chosen]:
            line, (label, colour, marker) = chosen[implementation].dropna(), LOOKS[implementation]
            seen = label if len(line) else None
            axes.plot(line, color=colour, marker=marker, markersize=4, linewidth=1.2, label=seen)
        axes.set(xscale="log", yscale="log", xlabel=text)
        axes.set_xticks(chosen.index, list(map(str, chosen.index)))
        axes.minorticks_off()
        axes.tick_params(labelsize=style.SMALL)
        axes.xaxis.label.set_size(style.SMALL)
    panels[0].set_ylabel(unit)
    panels[3].set_ylabel(unit)
    panels[5].set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    panels[5].legend(handles, labels, loc="center", fontsize=style.SMALL, frameon=False)
    return figure


def for_templates(results: Path) -> dict[str, Any]:
    """Values for the templates in report/sections/lesson."""
    names = {"small": SMALL, "large": LARGE, "labels": LABELS, "high_load": HIGH_LOAD}
    functions = (plot_around, plot_shares, plot_losses, style.svg_text)
    return {
        **names,
        **{function.__name__: function for function in functions},
        "measured": load_measured(results),
        "figures": results / "figures",
    }
