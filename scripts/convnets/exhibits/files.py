"""The files of a table or a figure of training, made from the runs."""

from pathlib import Path
from typing import Any

import pandas as pd

from convnets.config.experiments import Figure, Table
from convnets.core.files import write_text
from convnets.exhibits.figures import describe, draw, numbers, read_trajectories
from convnets.exhibits.style import save_figure, use_style
from convnets.exhibits.table_text import latex, markdown
from convnets.exhibits.tables import FilledTable
from convnets.judging.conditions import conditions, runtime_conditions
from convnets.judging.published import read_published
from convnets.runs.metrics import runs_of


def make_table(table: Table, runs: pd.DataFrame, provenance: dict[str, Any], prefix: Path) -> None:
    """Write the table's three files, whose name is that of the table with an ending."""
    filled = FilledTable(table, runs, read_published())
    caption = f"{table.title}. {filled.notes(conditions(provenance, filled.runs))}"
    text = (filled.grid(), prefix.name, caption)
    write_text(f"{prefix}.csv", filled.numbers().to_csv(index=False))
    write_text(f"{prefix}.md", markdown(*text))
    write_text(f"{prefix}.tex", latex(*text))


def make_figure(
    figure: Figure, metrics: pd.DataFrame, folder: Path, provenance: dict[str, Any], prefix: Path
) -> None:
    """Write the figure's three files from the histories in `folder`."""
    runs = runs_of(metrics, *figure.variants)
    trajectories = read_trajectories(figure, runs, folder)
    remark = conditions(provenance, runs)
    if figure.x == "seconds":
        remark += f". {runtime_conditions(runs)}"
    use_style()
    words = describe(figure.x, trajectories, remark)
    drawing = draw(figure.x, trajectories, words["remark"])
    save_figure(drawing, str(prefix), figure.title, words["description"])
    write_text(f"{prefix}.csv", numbers(trajectories).to_csv(index=False))
