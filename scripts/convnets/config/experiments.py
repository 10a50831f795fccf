"""The tables and figures of the configuration as frozen values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from convnets.core.kinds import Line, Name, Seed, Several, Strict

Column = Literal[
    "num_filters",
    "test_accuracy",
    "best_epoch",
    "epoch_seconds",
    "seconds_to_best",
    "best_val_accuracy",
    "parameters",
    "multiply_adds",
    "receptive_field",
]


@dataclass(frozen=True)
class Row(Strict):
    """One row of a table."""

    label: tuple[Line, ...]
    """Texts of the leading columns, one for each `header`."""
    variants: Several[Name]
    """The variant of the row, or the variants that compete for `best`."""


@dataclass(frozen=True)
class Table(Strict):
    """An experiment: variants to train, and the table that shows them."""

    title: Line
    """Caption."""
    header: Several[Line]
    """Headings of the leading columns."""
    columns: Several[Column]
    """The measures to show."""
    rows: Several[Row]
    """The rows, from top to bottom."""
    best: Annotated[int, Field(ge=1, le=2)] | None = None
    """Show this many of a row's variants side by side, best validation accuracy first. Empty:
    each row has one variant."""
    seeds: Several[Seed] | None = None
    """Seeds of the table's variants, instead of those of the configuration. A variant of several
    tables is trained with the seeds of all."""
    published: Annotated[int, Field(ge=1, le=5)] | None = None
    """Number of the corresponding table of the paper, whose values are shown too, if any."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Ids of all variants that the table needs, each once."""
        return tuple(dict.fromkeys(id for row in self.rows for id in row.variants))

    def problems(self) -> Iterator[tuple[int, str, str]]:
        """Inconsistent keys of rows: number of the row, key and problem."""
        for number, row in enumerate(self.rows):
            if len(row.label) != len(self.header):
                problem = f"has {len(row.label)} texts for {len(self.header)} headings"
                yield number, "label", problem
            if len(row.variants) > 1 and not self.best:
                problem = "needs exactly one variant; for several set `best` on the table"
                yield number, "variants", problem


@dataclass(frozen=True)
class Curve(Strict):
    """One curve of a figure."""

    label: Line
    """Name in the legend."""
    variants: Several[Name]
    """The variant; of several variants, the one with the best validation accuracy is drawn."""


@dataclass(frozen=True)
class Figure(Strict):
    """Learning curves: validation accuracy of some variants."""

    title: Line
    """Caption."""
    x: Literal["epoch", "seconds"]
    """Horizontal axis: epochs, or training runtime in seconds."""
    curves: Several[Curve]
    """The curves, in the order of the legend."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Ids of all variants that the figure needs, each once."""
        return tuple(dict.fromkeys(id for curve in self.curves for id in curve.variants))
