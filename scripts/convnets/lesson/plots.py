"""The plots of the lesson: measured costs, shares of time, and learning curves."""

import dataclasses
from typing import NamedTuple

import pandas as pd
import yaml
from matplotlib.figure import Figure

from convnets.core.files import ROOT
from convnets.exhibits.style import SMALL, WIDTH, svg_text
from convnets.lesson.cases import Case
from convnets.lesson.tables import CASE, LABELS, Measured, Twins, described

LOOKS = {
    "loops": ("#000000", "X"),
    "im2col": ("#0072B2", "o"),
    "views": ("#009E73", "^"),
    "fourier": ("#D55E00", "D"),
    "pytorch": ("#CC79A7", "s"),
    "matrix_product": ("#E69F00", "v"),
}
"""Colours of Okabe and Ito, which the colour-blind can tell apart, and markers."""
KINDS = {"convolution": "#0072B2", "fully_connected": "#E69F00", "other": "0.8"}
AXES = {
    "batch": "images at once",
    "channels": "channels",
    "kernel": "width of the kernel",
    "stride": "stride",
    "size": "width of the image",
}


WORDS = yaml.safe_load((ROOT / "report/texts/lesson_plots.yaml").read_text(encoding="utf-8"))
"""Title and caption of each plot."""


class Plot(NamedTuple):
    """A figure as SVG, with its id and caption."""

    svg: str
    name: str
    title: str
    text: str


def plot_costs(measured: Measured, case: Case) -> Plot:
    """Time of a training step's three passes around `case`, as one of its numbers changes."""
    by_case = ["implementation", *CASE]
    values = measured.convolutions.groupby(by_case)["seconds"].sum() * 1000
    return _plot(_around(values, case, "milliseconds"), "time", case)


def plot_memory(measured: Measured, case: Case) -> Plot:
    """The largest peak memory of the three passes around `case`."""
    peaks = measured.convolutions.groupby(["implementation", *CASE])["peak_bytes"].max() / 1e6
    return _plot(_around(peaks.dropna(), case, "megabytes"), "memory", case)


def plot_shares(measured: Measured) -> Plot:
    """Shares of each network's time by kind of layer."""
    rows = measured.shares()
    figure = Figure(figsize=(WIDTH, 0.9 + 0.19 * len(rows)), layout="constrained")
    axes = figure.subplots()
    left = pd.Series(0.0, rows.index)
    for kind, colour in KINDS.items():
        label = kind.replace("_", "-")
        axes.barh(rows.index, 100 * rows[kind], left=left, color=colour, label=label)
        left += 100 * rows[kind]
    axes.invert_yaxis()
    axes.set(xlim=(0, 100), xlabel="% of the time of a batch, forward and backward")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", labelsize=SMALL)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=3, fontsize=SMALL, frameon=False)
    return _plot(figure, "shares")


def plot_losses(twins: Twins) -> Plot:
    """The loss curves of the hand-written network and PyTorch's, and their distance."""
    rows = twins.losses()
    figure = Figure(figsize=(WIDTH, 0.85 * WIDTH), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    above.plot(rows.index, rows["pytorch"], color="#E69F00", linewidth=4, label="PyTorch")
    above.plot(rows.index, rows["by_hand"], color="#0072B2", linewidth=1, label="by hand")
    above.set(ylabel="training loss")
    above.legend()
    distance = (rows["by_hand"] - rows["pytorch"]).abs()
    below.plot(rows.index, distance.where(distance > 0), color="0.3", linewidth=0.8)
    below.set(yscale="log", ylabel="difference", xlabel="step")
    return _plot(figure, "losses")


def _around(values: pd.Series, case: Case, unit: str) -> Figure:
    """Five panels: the value of each implementation as one number of `case` changes."""
    rows = values.reset_index(name="value")
    figure = Figure(figsize=(WIDTH, 0.8 * WIDTH), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True).flat
    base = dataclasses.asdict(case)
    for axes, (name, text) in zip(panels, AXES.items(), strict=False):
        others = {key: value for key, value in base.items() if key != name}
        chosen = rows[(rows[list(others)] == pd.Series(others)).all(axis=1)]
        for implementation, (colour, marker) in LOOKS.items():
            line = chosen[chosen["implementation"] == implementation].sort_values(name)
            axes.plot(
                line[name], line["value"], color=colour, marker=marker, markersize=4, linewidth=1.2,
                label=LABELS[implementation] if len(line) else None,
            )  # fmt: skip
        ticks = sorted(chosen[name].unique())
        axes.set(xscale="log", yscale="log", xlabel=text)
        axes.set_xticks(ticks, list(map(str, ticks)))
        axes.minorticks_off()
        axes.tick_params(labelsize=SMALL)
        axes.xaxis.label.set_size(SMALL)
    panels[0].set_ylabel(unit)
    panels[3].set_ylabel(unit)
    panels[5].set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    panels[5].legend(handles, labels, loc="center", fontsize=SMALL, frameon=False)
    return figure


def _plot(figure: Figure, name: str, case: Case | None = None) -> Plot:
    title, text = WORDS[name]["title"], WORDS[name]["text"]
    if case is not None:
        text = text.format(case=described(case))
        name = "_".join(map(str, (name, *dataclasses.astuple(case))))
    return Plot(svg_text(figure, title, text), name, title, text)
