"""Figures of training: validation accuracy over epochs or over runtime (paper, Figures 8-10)."""

import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from scipy import special

from convnets.config.experiments import Curve, Figure
from convnets.core.errors import UserError
from convnets.exhibits.style import CURVES, LOOKS, SMALL, WIDTH, CurveStyle
from convnets.runs.metrics import (
    align_epochs,
    rank_variants,
    read_history,
    runs_of,
    runtimes_measured,
)
from convnets.runs.run_folder import RunFolder

X_LABELS = {"epoch": "Epoch", "seconds": "Training runtime in seconds (logarithmic)"}
ROUND_STEPS = (1, 2, 2.5, 5, 10)
HALO = withStroke(linewidth=3, foreground="white")
HIDDEN = 0.1
"""Share of a curve's points, those of its first climb, that may lie below the axis."""


@dataclass(frozen=True)
class Trajectory:
    """Validation accuracy of one variant in the course of training."""

    label: str
    method: str
    points: pd.DataFrame
    """By epoch that all seeds trained: `mean` accuracy over seeds, `low` and `high` of its 95 %
    interval over seeds (empty with one seed), `seconds` so far: epochs times the measured seconds
    of an epoch or, if none were measured, the mean of what the runs took."""
    seeds: int
    is_cut: bool = False
    """Whether some seeds trained for more epochs than are shown."""

    @property
    def best(self) -> int:
        """Position of the best mean accuracy, the earliest on a tie."""
        return int(self.points["mean"].argmax())

    def across(self, x: str) -> np.ndarray:
        """Where the points lie on the horizontal axis."""
        return np.asarray(self.points.index if x == "epoch" else self.points["seconds"])

    def summary(self, x: str) -> str:
        """The best accuracy and when it was reached."""
        best = self.across(x)[self.best]
        when = f"at epoch {best}" if x == "epoch" else f"after {_number(best)} s"
        return f"{self.points['mean'].iloc[self.best]:.3f} {when}"


def read_trajectories(figure: Figure, runs: pd.DataFrame, folder: Path) -> list[Trajectory]:
    """The curves of `figure` from the histories under `folder` (`VARIANT/seed_S/history.csv`).

    Raises:
        UserError: a curve has no finished run.
    """
    return [_trajectory(curve, runs, folder) for curve in figure.curves]


def draw(figure: Figure, trajectories: list[Trajectory], conditions: str) -> Drawing:
    """Draw the curves, best epochs marked; legend and conditions stand below the plot."""
    drawing = Drawing(figsize=(WIDTH, 0.85 * WIDTH))
    axes = drawing.subplots()
    seen: dict[str, int] = {}
    for trajectory in trajectories:
        rank = seen[trajectory.method] = seen.get(trajectory.method, -1) + 1
        _draw_curve(axes, trajectory, figure.x, CURVES[rank % len(CURVES)])
    _scale(axes, figure.x, trajectories)
    axes.set_title("\n".join(textwrap.wrap(figure.title, 56)), loc="left")
    axes.set_xlabel(X_LABELS[figure.x])
    axes.set_ylabel("Validation accuracy")
    legend = axes.legend(
        loc="upper left", bbox_to_anchor=(0, -0.14), borderaxespad=0, frameon=False, handlelength=4
    )
    axes.annotate(
        "\n".join(textwrap.wrap(_remark(trajectories, conditions), 68)),
        xy=(0, 0), xycoords=legend, xytext=(2, -4), textcoords="offset points",
        va="top", fontsize=SMALL, color="0.3",
    )  # fmt: skip
    return drawing


def numbers(trajectories: list[Trajectory]) -> pd.DataFrame:
    """What the figure shows, a row for each point of each curve."""
    frames = {(item.label, item.seeds): item.points for item in trajectories}
    return pd.concat(frames, names=["curve", "seeds", "epoch"]).reset_index()


def describe(figure: Figure, trajectories: list[Trajectory], conditions: str) -> str:
    """The figure in words, for those who cannot see it."""
    over = "epochs" if figure.x == "epoch" else "training runtime"
    curves = "; ".join(f"{item.label}: best {item.summary(figure.x)}" for item in trajectories)
    return f"Validation accuracy over {over}. {curves}. {conditions}."


def _trajectory(curve: Curve, runs: pd.DataFrame, folder: Path) -> Trajectory:
    ranked = rank_variants(runs, curve.variants)
    if not ranked:
        raise UserError(
            f"curve {curve.label!r} has no finished run of {', '.join(curve.variants)}: train and "
            "evaluate one of them, or take the curve out of the figure"
        )
    variant = ranked[0]
    label = curve.label if len(curve.variants) == 1 else f"{curve.label}, {variant}"
    own = runs_of(runs, variant)
    seeds = own.index.get_level_values("seed")
    folders = [RunFolder(folder / variant / f"seed_{seed}") for seed in seeds]
    points = _over_seeds(folders)
    if runtimes_measured(runs):
        points["seconds"] = points.index * own["epoch_seconds"].iloc[0]
    is_cut = any(len(folder.history) > len(points) for folder in folders)
    return Trajectory(label, folders[0].record["variant"]["method"], points, len(folders), is_cut)


def _over_seeds(folders: list[RunFolder]) -> pd.DataFrame:
    frames = align_epochs([read_history(folder) for folder in folders])
    accuracy = pd.concat([frame["val_accuracy"] for frame in frames], axis=1)
    seconds = pd.concat([frame["epoch_seconds"].cumsum() for frame in frames], axis=1)
    mean = accuracy.mean(axis=1)
    reach = special.stdtrit(len(frames) - 1, 0.975) * accuracy.sem(axis=1)
    return pd.DataFrame(
        {"mean": mean, "low": mean - reach, "high": mean + reach, "seconds": seconds.mean(axis=1)}
    )


def _draw_curve(axes: Axes, trajectory: Trajectory, x: str, kind: CurveStyle) -> None:
    points, look = trajectory.points, LOOKS[trajectory.method]
    across = trajectory.across(x)
    axes.fill_between(
        across, points["low"], points["high"], color=look.colour, alpha=0.15, linewidth=0
    )
    axes.plot(
        across, points["mean"], linestyle=kind.line, color=look.colour, linewidth=1.2,
        marker=look.marker, fillstyle=kind.fill, markerfacecoloralt="white",
        markersize=5, markevery=max(1, len(points) // 5),
        label=f"{trajectory.label} ({trajectory.summary(x)})",
    )  # fmt: skip
    best = trajectory.best
    axes.plot(
        across[best], points["mean"].iloc[best], color=look.colour,
        marker=look.marker, fillstyle=kind.fill, markerfacecoloralt="white",
        markersize=8, markeredgewidth=1.5, path_effects=[HALO], zorder=5,
    )  # fmt: skip


def _scale(axes: Axes, x: str, trajectories: list[Trajectory]) -> None:
    # Means alone set the scale: with two seeds their interval reaches far beyond all accuracies.
    bottom = min(float(item.points["mean"].quantile(HIDDEN)) for item in trajectories)
    top = max(float(item.points["mean"].max()) for item in trajectories)
    margin = 0.06 * (top - bottom) or 0.01
    axes.set_ylim(bottom - margin, top + margin)
    axes.yaxis.set_major_locator(MaxNLocator(8, steps=ROUND_STEPS))
    if x == "epoch":
        axes.set_xlim(0, 1.03 * max(item.points.index.max() for item in trajectories))
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=ROUND_STEPS, integer=True))
    else:
        axes.set_xscale("log")
        left, right = axes.get_xlim()
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 3) if right > 30 * left else (1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _remark(trajectories: list[Trajectory], conditions: str) -> str:
    seeds = [item.seeds for item in trajectories]
    band = " Lines are means over seeds, bands their 95 % interval (Student's t over seeds)."
    if max(seeds) == 1:
        band = " One seed each: how far others would lie, this does not tell."
    elif min(seeds) == 1:
        band += " Curves without a band have one seed."
    if any(item.is_cut for item in trajectories):
        band += " A curve ends where the first of its seeds stopped early."
    return f"{conditions}. Large marks: best epoch.{band}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
