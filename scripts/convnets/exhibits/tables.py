"""The paper's tables with our values beside the published ones."""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from convnets.config.experiments import Row, Table
from convnets.core.errors import UserError
from convnets.core.files import write_text
from convnets.core.formats import decimals, number
from convnets.core.tables import write_table
from convnets.core.templates import texts
from convnets.exhibits.table_text import Grid, latex, markdown
from convnets.judging.conditions import censored, conditions, runtime_conditions
from convnets.judging.estimates import OF_BEST
from convnets.judging.published import read_published
from convnets.judging.witnesses import own_interval, spreads_of
from convnets.runs import metrics

HEADINGS = {
    "num_filters": "# of filters",
    "test_accuracy": "Test Set Accuracy",
    "best_epoch": "Best model epoch",
    "epoch_seconds": "Average Epoch Runtime (s)",
    "seconds_to_best": "Runtime until best (s)",
    "best_val_accuracy": "Best Validation Accuracy",
    "parameters": "Parameters",
    "multiply_adds": "Multiply-adds",
    "receptive_field": "Receptive field (pixels)",
}
"""Column headings, worded as in the paper's Tables 1 and 3 where it has them."""
OF_ARCHITECTURE = ("num_filters", "parameters", "multiply_adds", "receptive_field")
"""Measures that are the same for every seed."""
WITH_INTERVAL = ("test_accuracy", "best_epoch", "epoch_seconds", "seconds_to_best")
"""Measures that have a 95 % interval, with one seed too (`own_interval`)."""


class Rank(NamedTuple):
    """One of the models that a row shows side by side (paper, Table 3)."""

    heading: str
    prefix: str
    published: str


SINGLE = Rank("", "", "")
RANKS = (
    Rank("Best Performing Model", "best_", " (best)"),
    Rank("Second Best Performing Model", "second_", " (second)"),
)


class Ours(NamedTuple):
    """Our value of a measure of a variant; `None` where there is none."""

    variant: str | None = None
    seeds: int = 0
    value: float | str | None = None
    deviation: float | None = None
    """Standard deviation over seeds."""
    interval: tuple[float, float] | None = None
    """95 % interval."""
    at_least: bool = False
    """Whether the value is a lower bound, as training was cut short at or near its best."""

    def shown(self, measure: str) -> tuple[str, str, str]:
        """Value, deviation and interval with the same digits; a lower bound is a value alone."""
        value, unit = self.value, metrics.UNITS.get(measure, "")
        if value is None or isinstance(value, str):
            return number(value), "", ""
        digits = decimals(unit, value, exact=not self.deviation)
        if self.at_least:
            return number(value, digits=digits), "", ""
        deviation = "" if self.deviation is None else number(self.deviation, digits=digits)
        ends = [number(end, digits=digits) for end in self.interval or ()]
        return number(value, digits=digits), deviation, ", ".join(ends)


Cells = dict[tuple[Rank, str], tuple[float | str | None, Ours]]
"""Published value, `None` if missing, and ours, by rank and measure."""


class FilledTable:
    """A table of the configuration, filled with published values and those of `runs`."""

    def __init__(self, table: Table, runs: pd.DataFrame, published: pd.DataFrame) -> None:
        for place, key, text in table.problems():
            raise UserError(f"table {table.title!r}: rows.{place}.{key} {text}")
        self.table = table
        self.ranks = RANKS[: table.best] if table.best else (SINGLE,)
        self.runs = metrics.runs_of(runs, *table.variants)
        self._spreads = spreads_of(runs)
        self._published = published[published["table"] == table.published]
        self.rows = [(row, self._cells(row)) for row in table.rows]
        cells = [cell for _, cells in self.rows for cell in cells.items()]
        self.with_paper = {measure for (_, measure), (paper, _) in cells if paper is not None}
        """Measures for which the paper has values in this table."""

    def numbers(self) -> pd.DataFrame:
        """All values in full precision, a line per row; `_sd`, `_low`, `_high` beside ours."""
        rows = [list(zip(*self._numbers(*row), strict=True)) for row in self.rows]
        return pd.DataFrame([values for _, values in rows], columns=rows[0][0])

    def grid(self) -> Grid:
        """The table as rounded text, in the paper's layout."""
        shown = [
            (rank, measure, source)
            for rank in self.ranks
            for measure in self.table.columns
            for source in (("paper", "ours") if measure in self.with_paper else ("ours",))
        ]
        columns = [
            (*([rank.heading] if self.table.best else []), HEADINGS[measure])
            + ((source,) if self.with_paper else ())
            for rank, measure, source in shown
        ]
        lines = [
            [_text(*cells[rank, measure], measure, source) for rank, measure, source in shown]
            for _, cells in self.rows
        ]
        return Grid(self.table.header, columns, [row.label for row, _ in self.rows], lines)

    def notes(self, provenance: dict[str, Any]) -> str:
        """The conditions of our values, and the meaning of their parts."""
        has_runtimes = len(self.runs) and set(metrics.RUNTIMES) & set(self.table.columns)
        ours = [own for _, cells in self.rows for _, own in cells.values() if own.variant]
        values = {
            "conditions": conditions(provenance, self.runs),
            "with_paper": self.with_paper,
            "seeds": [own.seeds for own in ours],
            "runtimes": runtime_conditions(self.runs) if has_runtimes else "",
            "ranked": self.table.best,
        }
        return texts("table_notes", **values)["notes"]

    def ours_of(self, variant: str | None, measure: str) -> Ours:
        """Mean of the runs of a variant with its deviation over seeds and its interval."""
        runs = metrics.runs_of(self.runs, *([variant] if variant else []))
        if runs.empty or (measure in metrics.RUNTIMES and runs[measure].isna().all()):
            return Ours()
        if measure == "num_filters":
            return Ours(variant, len(runs), metrics.filters_label(runs.iloc[0]))
        ours = Ours(variant, len(runs), float(runs[measure].mean()))
        if measure in OF_ARCHITECTURE:
            return ours
        if len(runs) > 1 and (measure != "epoch_seconds" or not metrics.runtimes_measured(runs)):
            ours = ours._replace(deviation=float(runs[measure].std()))
        if measure not in WITH_INTERVAL:
            return ours
        low, high = own_interval(measure, runs, self._spreads[measure])
        return ours._replace(
            interval=None if math.isnan(low) else (low, high),
            at_least=measure in OF_BEST and bool(censored(runs)),
        )

    def _cells(self, row: Row) -> Cells:
        cells: Cells = {}
        trained = metrics.rank_variants(self.runs, row.variants)[: len(self.ranks)]
        for rank, variant in itertools.zip_longest(self.ranks, trained):
            key, name = "variant", row.variants[0]
            if rank is not SINGLE:  # the paper's values of ranked models have a name, no variant
                key, name = "row", " ".join(row.label) + rank.published
            published = self._published[self._published[key] == name].drop_duplicates("metric")
            known: dict[str, Any] = dict(zip(published["metric"], published["value"], strict=True))
            if len(published):
                known["num_filters"] = published["num_filters"].iloc[0]
            for measure in self.table.columns:
                cells[rank, measure] = (known.get(measure), self.ours_of(variant, measure))
        return cells

    def _numbers(self, row: Row, cells: Cells) -> Iterator[tuple[str, Any]]:
        yield from zip(self.table.header, row.label, strict=True)
        for rank in self.ranks:
            _, model = cells[rank, self.table.columns[0]]
            yield f"{rank.prefix}variant", model.variant
            yield f"{rank.prefix}seeds", model.seeds
            for measure in self.table.columns:
                name, (paper, ours) = rank.prefix + measure, cells[rank, measure]
                if measure in self.with_paper:
                    yield f"{name}_paper", paper
                yield f"{name}_ours", ours.value
                if measure not in OF_ARCHITECTURE:
                    yield f"{name}_ours_sd", ours.deviation
                if measure in WITH_INTERVAL:
                    low, high = ours.interval or (None, None)
                    yield from ((f"{name}_ours_low", low), (f"{name}_ours_high", high))


def make_table(table: Table, runs: pd.DataFrame, provenance: dict[str, Any], prefix: Path) -> None:
    """Write PREFIX.csv, PREFIX.md and PREFIX.tex."""
    filled = FilledTable(table, runs, read_published())
    caption = f"{table.title}. {filled.notes(provenance)}"
    text = (filled.grid(), prefix.name, caption)
    write_table(f"{prefix}.csv", filled.numbers())
    write_text(f"{prefix}.md", markdown(*text))
    write_text(f"{prefix}.tex", latex(*text))


def _text(paper: float | str | None, ours: Ours, measure: str, source: str) -> str:
    """A value as it is shown in Markdown and LaTeX."""
    if source == "paper":
        return number(paper, metrics.UNITS.get(measure, ""))
    value, deviation, interval = ours.shown(measure)
    value = f"at least {value}" if ours.at_least else value
    return value + f" ± {deviation}" * bool(deviation) + f" [{interval}]" * bool(interval)
