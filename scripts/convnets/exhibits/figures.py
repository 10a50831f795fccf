"""Figures of training: validation accuracy over epochs or over runtime (paper, Figures 8-10)."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from convnets.architectures.methods import METHODS
from convnets.config.experiments import Figure
from convnets.core.errors import UserError
from convnets.core.files import write_text
from convnets.core.templates import texts
from convnets.exhibits import style
from convnets.judging.conditions import conditions, runtime_conditions
from convnets.judging.others import read_curves
from convnets.judging.published import distinct_numbers, read_published
from convnets.runs.metrics import rank_variants, runs_of, runtimes_measured, shared_epochs
from convnets.runs.run_folder import RunFolder

X_LABELS = {"epoch": "Epoch", "seconds": "Training runtime in seconds"}
X_OF_PAPER = {"epoch": "best_epoch", "seconds": "seconds_to_best"}
"""The published number that is the paper's position on the horizontal axis."""
ROUND_STEPS = (1, 2, 2.5, 5, 10)
HALO = withStroke(linewidth=3, foreground="white")
HIDDEN = 0.1
"""Share of a curve's points, those of its first climb, that may be below the axis."""
LABEL = 7.5
"""Size of the labels of curves, in points."""
LINE = 1.2 * LABEL / 72
"""Height of a line of them, in inches."""


@dataclass(frozen=True)
class Trajectory:
    """Learning curve of one variant, with the paper's best model and other people's curves."""

    label: str
    method: str
    x: str
    """The horizontal axis: `epoch` or `seconds`."""
    points: pd.DataFrame
    """A row for each `epoch` of all seeds: `mean`, `low` (least) and `high` (greatest) accuracy of
    all, `seconds` so far: epochs times the measured seconds of an epoch or, if none were measured,
    the mean over runs."""
    seeds: int
    is_cut: bool
    """Whether some seeds trained for more epochs than are shown."""
    paper: tuple[float, float] | None
    """The paper's best model: position on the horizontal axis, and test accuracy."""
    others: list[pd.DataFrame]
    """A curve for each run of other people: columns `epoch`, `val_acc` and `seconds`."""

    @property
    def best(self) -> tuple[float, float]:
        """Position and value of the best mean accuracy, the earliest on a tie."""
        row = self.points.iloc[int(self.points["mean"].argmax())]
        return float(row[self.x]), float(row["mean"])

    @property
    def summary(self) -> str:
        """The best accuracy and when it was reached."""
        return _reached(self.x, *self.best)

    @property
    def summary_of_paper(self) -> str:
        """The paper's best accuracy and when it was reached."""
        return f"paper {_reached(self.x, *self.paper)}" if self.paper else "not in the paper"

    @property
    def text(self) -> str:
        """The label beside the curve."""
        return "\n".join((*textwrap.wrap(self.label, 24), self.summary, self.summary_of_paper))


def read_trajectories(figure: Figure, runs: pd.DataFrame, folder: Path) -> list[Trajectory]:
    """The curves of `figure` from the histories under `folder` (`VARIANT/seed_S/history.csv`).

    Curves without a finished run are left out. Raises `UserError` if none has one.
    """
    published, others = distinct_numbers(read_published()), read_curves().dropna(subset=[figure.x])
    paper = pd.concat([published[X_OF_PAPER[figure.x]], published["test_accuracy"]], axis=1)
    paper, trajectories = paper.dropna(), []
    for curve in figure.curves:
        if not (trained := rank_variants(runs, curve.variants)):
            continue
        id, own = trained[0], runs_of(runs, trained[0])
        folders = [RunFolder(folder / id / f"seed_{seed}") for _, seed in own.index]
        variant, points = folders[0].variant, _over_seeds(folders)
        if runtimes_measured(runs):
            points["seconds"] = points["epoch"] * own["epoch_seconds"].iloc[0]
        words = variant.label.partition(", ")[2] or variant.label
        theirs = others[others["variant"] == id].groupby("run_key", sort=False)
        trajectories.append(
            Trajectory(
                label=curve.label if len(curve.variants) == 1 else f"{curve.label}, {words}",
                method=variant.method,
                x=figure.x,
                points=points,
                seeds=len(folders),
                is_cut=any(len(run.history) > len(points) for run in folders),
                paper=tuple(paper.loc[id]) if id in paper.index else None,
                others=[run for _, run in theirs],
            )
        )
    if not trajectories:
        curve = figure.curves[0]
        raise UserError(
            f"curve {curve.label!r} has no finished run of {', '.join(curve.variants)}: train and "
            "evaluate one of them, or take the curve out of the figure"
        )
    return trajectories


def make_figure(
    figure: Figure, metrics: pd.DataFrame, folder: Path, provenance: dict[str, Any], prefix: Path
) -> None:
    """Write PREFIX.svg, PREFIX.png and PREFIX.csv. A footnote names curves without a run."""
    runs = runs_of(metrics, *figure.variants)
    trajectories = read_trajectories(figure, runs, folder)
    footnote = conditions(provenance, runs)
    if missing := [c.label for c in figure.curves if not rank_variants(runs, c.variants)]:
        footnote = f"Not run: {', '.join(missing)}. {footnote}"
    if figure.x == "seconds":
        footnote += f". {runtime_conditions(runs)}"
    style.use_style()
    words = describe(trajectories, footnote)
    drawing = draw(trajectories, words["footnote"])
    style.save_figure(drawing, str(prefix), figure.title, words["description"])
    write_text(f"{prefix}.csv", numbers(trajectories).to_csv(index=False))


def draw(trajectories: list[Trajectory], footnote: str) -> Drawing:
    """Draw the curves with their names on the right, and a footnote below."""
    x = trajectories[0].x
    lines = max(item.text.count("\n") for item in trajectories) + 1
    label_height = (lines + 0.6) * LINE
    height = max(0.62 * style.WIDTH, len(trajectories) * label_height)
    drawing = Drawing(figsize=(style.WIDTH, height + 0.6))
    axes = drawing.add_axes((0.12, 0.55 / (height + 0.6), 0.61, height / (height + 0.6)))
    seen: dict[str, int] = {}
    for trajectory in trajectories:
        rank = seen[trajectory.method] = seen.get(trajectory.method, -1) + 1
        _draw_curve(axes, trajectory, *style.CURVES[rank % len(style.CURVES)])
    _scale(axes, x, trajectories)
    _name_curves(axes, trajectories, label_height / height)
    axes.set_xlabel(X_LABELS[x] + " (logarithmic)" * (axes.get_xscale() == "log"))
    axes.set_ylabel("Validation accuracy")
    style.add_footnote(drawing, footnote)
    return drawing


def numbers(trajectories: list[Trajectory]) -> pd.DataFrame:
    """The points of the figure, a row for each point of each curve."""
    frames = {(item.label, item.seeds): item.points for item in trajectories}
    return pd.concat(frames, names=["curve", "seeds"]).droplevel(-1).reset_index()


def describe(trajectories: list[Trajectory], conditions: str) -> dict[str, str]:
    """The `footnote` below the figure, and its `description` in words."""
    bottom, _ = _limits(trajectories)
    cut_off = any((item.points["mean"] < bottom).any() for item in trajectories)
    values = {"bottom": bottom, "cut_off": cut_off, "conditions": conditions}
    return texts("figure", curves=trajectories, **values)


def _over_seeds(folders: list[RunFolder]) -> pd.DataFrame:
    """The points of a `Trajectory`, with the runtimes of training."""
    accuracy = shared_epochs(folders, "val_accuracy")
    seconds = shared_epochs(folders, "epoch_seconds").cumsum().mean(axis=1)
    columns = {"mean": accuracy.mean(axis=1), "low": accuracy.min(axis=1)}
    columns |= {"high": accuracy.max(axis=1), "seconds": seconds}
    return pd.DataFrame(columns).reset_index()


def _draw_curve(axes: Axes, trajectory: Trajectory, line: Any, fill: Any) -> None:
    points, look, x = trajectory.points, METHODS[trajectory.method], trajectory.x
    for run in trajectory.others:
        axes.plot(run[x], run["val_acc"], color=look.colour, linewidth=0.4, alpha=0.35, zorder=1)
    axes.fill_between(
        points[x], points["low"], points["high"], color=look.colour, alpha=0.15, linewidth=0
    )
    axes.plot(
        points[x], points["mean"], linestyle=line, color=look.colour, linewidth=1.5,
        label=trajectory.label, path_effects=[HALO],
    )  # fmt: skip
    axes.plot(
        *trajectory.best, color=look.colour, marker=look.marker, fillstyle=fill,
        markerfacecoloralt="white", markersize=7, markeredgewidth=1.5, path_effects=[HALO],
        zorder=5,
    )  # fmt: skip
    if trajectory.paper:
        from_paper = zip(trajectory.paper, trajectory.best, strict=True)
        axes.plot(*from_paper, ":", color=look.colour, linewidth=0.8, zorder=2)
        axes.plot(
            *trajectory.paper, "o", color=style.text_colour(look.colour), fillstyle="none",
            markersize=8, markeredgewidth=1.3, zorder=6, clip_on=False,
        )  # fmt: skip


def _limits(trajectories: list[Trajectory]) -> tuple[float, float]:
    """The lower end of the vertical axis, above which most points are, and the highest point."""
    means = [item.points["mean"] for item in trajectories]
    paper = [item.paper[1] for item in trajectories if item.paper]
    others = [run["val_acc"].max() for item in trajectories for run in item.others]
    lowest = min([*paper, *(float(mean.quantile(HIDDEN)) for mean in means)])
    top = max([*paper, *others, *(float(mean.max()) for mean in means)])
    return lowest - 0.06 * (top - lowest or 0.1), top


def _scale(axes: Axes, x: str, trajectories: list[Trajectory]) -> None:
    bottom, top = _limits(trajectories)
    axes.set_ylim(bottom, top + 0.06 * (top - bottom))
    axes.yaxis.set_major_locator(MaxNLocator(8, steps=ROUND_STEPS))
    last = max(item.points[item.x].max() for item in trajectories)
    right = max(float(line.get_xdata().max()) for line in axes.get_lines())  # type: ignore[union-attr]
    if x == "epoch" and last >= right / 2:
        axes.set_xlim(0, 1.03 * right)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=ROUND_STEPS, integer=True))
    else:  # a short training would be squeezed into a corner
        axes.set_xscale("log")
        shown = [item.points.loc[item.points["mean"] >= bottom, item.x] for item in trajectories]
        first = min(places.min() for places in shown)
        axes.set_xlim(0.85 * first, 1.15 * right)
        span = right / first
        ticks = (1,) if span > 1000 else (1, 3) if span > 30 else (1, 2, 5)
        axes.xaxis.set_major_locator(LogLocator(subs=ticks))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.spines[["top", "right"]].set_visible(False)


def _name_curves(axes: Axes, trajectories: list[Trajectory], height: float) -> None:
    """Write names beside the plot, `height` apart (of the axes' height), with lines to the ends."""
    bottom, top = axes.get_ylim()
    ends = [(item.points["mean"].iloc[-1] - bottom) / (top - bottom) for item in trajectories]
    heights = style.spread_apart(np.clip(ends, 0, 1), height, height / 2, 1 - height / 2)
    for item, place in zip(trajectories, heights, strict=True):
        colour = METHODS[item.method].colour
        axes.annotate(
            style.plain(item.text),
            xy=tuple(item.points[[item.x, "mean"]].iloc[-1]), xycoords="data",
            xytext=(1.04, place), textcoords="axes fraction", va="center", fontsize=LABEL,
            color=style.text_colour(colour), linespacing=1.1,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.6,
                        "relpos": (0, 0.5), "shrinkB": 0},
        )  # fmt: skip


def _reached(x: str, place: float, accuracy: float) -> str:
    when = f"at epoch {place:.0f}" if x == "epoch" else f"after {_number(place)} s"
    return f"{accuracy:.3f} {when}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
