"""The runs that the analyses look at, and the layout that several of their figures share."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from convnets.architectures.methods import METHODS
from convnets.data.folder import read_provenance
from convnets.exhibits.style import SMALL, WIDTH
from convnets.judging.witnesses import own_interval, spreads_of
from convnets.runs.metrics import read_runs, runs_of
from convnets.runs.run_folder import RunFolder

Runs = Mapping[str, Sequence[RunFolder]]
"""Runs by variant, from the smallest seed. Methods are in the paper's order."""
Analysis = tuple[pd.DataFrame, Drawing, dict[str, Any]]
"""Numbers, figure, and the values of its texts (report/texts/analysis_NAME.txt)."""
COLUMNS = 5
TINY = 6.5
"""Size of the text at a panel, in points."""
LONGEST = 17
"""Characters of a name that fit on a line of a panel."""


class Study:
    """The runs to analyse, their measures, and the provenance of their data."""

    def __init__(self, runs: Iterable[Path], metrics: Path, provenance: Path) -> None:
        self.runs = load_runs(runs)
        self.metrics = read_runs(metrics)
        self.provenance = read_provenance(provenance)
        self.data = provenance.parent
        self.gradients = metrics.with_name("analyses") / "gradients.npz"

    @cached_property
    def labels(self) -> dict[str, str]:
        """Each variant in words, by its id."""
        return {id: run.variant.label for id, (run, *_) in self.runs.items()}

    def accuracies(self) -> pd.DataFrame:
        """Mean test accuracy of each variant over its `seeds`, and its 95 % interval."""
        spread, rows = spreads_of(self.metrics)["test_accuracy"], []
        for id, (run, *_) in self.runs.items():
            runs = runs_of(self.metrics, id)
            mean, ends = runs["test_accuracy"].mean(), own_interval("test_accuracy", runs, spread)
            rows.append((id, self.labels[id], run.variant.method, len(runs), mean, *ends))
        names = ["variant", "label", "method", "seeds", "test_accuracy", "low", "high"]
        return pd.DataFrame(rows, columns=names)


def load_runs(folders: Iterable[Path]) -> dict[str, list[RunFolder]]:
    """The runs in `folders`. Within a method, variants keep the order in which they come."""
    methods = list(METHODS)
    by_variant: dict[str, list[RunFolder]] = {}
    for run in sorted(map(RunFolder, folders), key=lambda run: methods.index(run.variant.method)):
        by_variant.setdefault(run.variant.id, []).append(run)
    return {
        id: sorted(seeds, key=lambda run: run.record["seed"]) for id, seeds in by_variant.items()
    }


def variant_panels(
    names: Sequence[str], panel_height: float, *, shared: bool
) -> tuple[Drawing, list[Axes]]:
    """A panel for each of `names`, `panel_height` inches high with its text, in rows."""
    rows = -(-len(names) // COLUMNS)
    layout = ConstrainedLayoutEngine(h_pad=0.06)
    drawing = Drawing(figsize=(WIDTH, rows * panel_height), layout=layout)
    grid = drawing.subplots(rows, COLUMNS, squeeze=False, sharex=shared, sharey=shared).flat
    panels, empty = grid[: len(names)], grid[len(names) :]
    for axes in empty:
        axes.set_axis_off()
    for axes, name in zip(panels, names, strict=True):
        axes.tick_params(labelsize=TINY, length=0, pad=1)
        axes.set_title("\n".join(textwrap.wrap(name, LONGEST)), fontsize=TINY, linespacing=1.0)
    for axes in panels[-COLUMNS:]:
        axes.tick_params(labelbottom=True)
    return drawing, list(panels)


def add_legend(
    drawing: Drawing, marks: Mapping[str, dict[str, Any]], columns: int, **options: Any
) -> None:
    """Explain `marks`, by their meaning, above the drawing."""
    drawing.legend(
        handles=[Line2D([], [], label=meaning, **look) for meaning, look in marks.items()],
        loc="outside upper left", ncols=columns, frameon=False, fontsize=SMALL, **options,
    )  # fmt: skip
