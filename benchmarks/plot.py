"""The picture of a benchmark: images a second of plain loop, engine and bound, by variant."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.tables import ARRANGEMENT
from convnets.exhibits.style import SMALL, WIDTH, save_figure, use_style


class Bar(NamedTuple):
    """One of the bars of each variant."""

    column: str
    label: str
    colour: str


BARS = (
    Bar("peer", "plain PyTorch loop", "#999999"),
    Bar("engine", "this project", "#0072B2"),
    Bar("bound", "bound of the machine", "#FFFFFF"),
)
BAR_WIDTH = 0.27
HEADROOM = 2.0
"""Space for the numbers above the highest bar, as a factor."""


def plot_speed(frame: pd.DataFrame, prefix: str) -> None:
    """Draw `frame`, the table of `bench.py`, as `PREFIX.svg` and `PREFIX.png`.

    Whiskers are the quartiles over the repeats. The number above a variant is the ratio of
    engine to plain loop. The axis is logarithmic, so that equal heights are equal ratios.
    """
    use_style()
    figure = Figure(figsize=(WIDTH * 1.4, WIDTH * 0.75))
    axes = figure.subplots()
    positions = np.arange(len(frame))
    for index, bar in enumerate(BARS):
        speed = frame[f"{bar.column}_images_per_second"]
        axes.bar(
            positions + (index - 1) * BAR_WIDTH,
            speed,
            BAR_WIDTH,
            label=bar.label,
            color=bar.colour,
            edgecolor="0.3",
            yerr=_whiskers(frame, bar.column) if bar.column != "bound" else None,
            error_kw={"elinewidth": 0.8, "ecolor": "0.1"},
        )
    columns = [f"{bar.column}_images_per_second" for bar in BARS]
    for position, (ratio, top) in enumerate(
        zip(frame["ratio"], frame[columns].max(axis=1), strict=True)
    ):
        axes.text(position, top * 1.08, f"{ratio:.1f}×", ha="center", va="bottom")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda speed, _: f"{speed:,.0f}"))
    axes.set_ylim(frame[columns].min().min() / HEADROOM, frame[columns].max().max() * HEADROOM)
    axes.set_ylabel("Training images a second (logarithmic)")
    axes.set_xticks(positions, frame["variant"].str.replace("_", " "), rotation=35, ha="right")
    axes.grid(visible=False, axis="x")
    machine = ARRANGEMENT.format(**frame.iloc[0])
    axes.set_title(machine, fontsize=SMALL)
    axes.legend(ncols=len(BARS), loc="upper center", bbox_to_anchor=(0.5, -0.32), frameon=False)
    ratios = (f"{row.variant} {row.ratio:.2f}" for row in frame.itertuples())
    save_figure(
        figure,
        prefix,
        f"Training speed on {machine}",
        f"How many times the speed of a plain PyTorch loop: {', '.join(ratios)}.",
    )


def _whiskers(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Distances (2, variants) of the lower and upper quartile from the median."""
    median, low, high = (
        frame[f"{column}_{suffix}"]
        for suffix in ("images_per_second", "images_per_second_q1", "images_per_second_q3")
    )
    return np.stack([median - low, high - median])
