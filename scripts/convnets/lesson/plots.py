"""The plots of the lesson: measured costs, shares of time, and learning curves."""

import pandas as pd
from matplotlib.figure import Figure

from convnets.exhibits.style import SMALL, WIDTH
from convnets.lesson.cases import Case
from convnets.lesson.tables import CASE, LABELS, Measured, Twins

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


def plot_costs(measured: Measured, case: Case) -> Figure:
    """Time of a training step's three passes around `case`, as one of its numbers changes."""
    seconds = measured.by_case["seconds"].sum().unstack("implementation")
    return _around(1000 * seconds, case, "milliseconds")


def plot_memory(measured: Measured, case: Case) -> Figure:
    """The largest peak memory of the three passes around `case`."""
    peaks = measured.by_case["peak_bytes"].max().unstack("implementation")
    return _around(peaks / 1e6, case, "megabytes")


def plot_shares(measured: Measured) -> Figure:
    """Shares of each network's time by kind of layer."""
    rows = measured.shares()
    figure = Figure(figsize=(WIDTH, 0.9 + 0.19 * len(rows)), layout="constrained")
    axes = figure.subplots()
    left = pd.Series(0.0, rows.index)
    for kind, colour in KINDS.items():
        label = kind.replace("_", "-")
        axes.barh(rows.index, 100 * rows[kind], left=left, color=colour, label=label)
        left += 100 * rows[kind]
    axes.set(xlim=(0, 100), xlabel="% of the time of a batch, forward and backward")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", labelsize=SMALL)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=3, fontsize=SMALL, frameon=False)
    return figure


def plot_losses(twins: Twins) -> Figure:
    """The loss curves of the hand-written network and PyTorch's, and their distance."""
    rows = twins.losses
    figure = Figure(figsize=(WIDTH, 0.85 * WIDTH), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    above.plot(rows["pytorch"], color="#E69F00", linewidth=4, label="PyTorch")
    above.plot(rows["by_hand"], color="#0072B2", linewidth=1, label="by hand")
    above.set(ylabel="training loss")
    above.legend()
    distance = rows["distance"]
    below.plot(distance.where(distance > 0), color="0.3", linewidth=0.8)
    below.set(yscale="log", ylabel="difference", xlabel="step")
    return figure


def _around(table: pd.DataFrame, case: Case, unit: str) -> Figure:
    """Five panels: a line for each column of `table` as one number of `case` changes."""
    figure = Figure(figsize=(WIDTH, 0.8 * WIDTH), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True).flat
    for axes, (name, text) in zip(panels, AXES.items(), strict=False):
        others = [key for key in CASE if key != name]
        chosen = table.xs(tuple(getattr(case, key) for key in others), level=others)
        for implementation in [name for name in LOOKS if name in chosen]:
            line, (colour, marker) = chosen[implementation].dropna(), LOOKS[implementation]
            label = LABELS[implementation] if len(line) else None
            axes.plot(line, color=colour, marker=marker, markersize=4, linewidth=1.2, label=label)
        axes.set(xscale="log", yscale="log", xlabel=text)
        axes.set_xticks(chosen.index, list(map(str, chosen.index)))
        axes.minorticks_off()
        axes.tick_params(labelsize=SMALL)
        axes.xaxis.label.set_size(SMALL)
    panels[0].set_ylabel(unit)
    panels[3].set_ylabel(unit)
    panels[5].set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    panels[5].legend(handles, labels, loc="center", fontsize=SMALL, frameon=False)
    return figure
