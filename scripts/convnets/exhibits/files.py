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
from convnets.runs.metrics import runs_of


def make_table(
    name: str,
    table: Table,
    runs: pd.DataFrame,
    published: pd.DataFrame,
    provenance: dict[str, Any],
    prefix: str,
) -> None:
    """Write the table's three files."""
    filled = FilledTable(table, runs, published)
    caption = filled.caption(conditions(provenance, filled.runs))
    write_text(f"{prefix}.csv", filled.numbers().to_csv(index=False))
    write_text(f"{prefix}.md", markdown(filled.grid(), name, caption))
    write_text(f"{prefix}.tex", latex(filled.grid(), name, caption))


def make_figure(
    figure: Figure,
    metrics: pd.DataFrame,
    folder: Path,
    provenance: dict[str, Any],
    published: Path,
    prior: Path,
    prefix: str,
) -> None:
    """Write the figure's three files from the histories in `folder`."""
    runs = runs_of(metrics, *figure.variants)
    trajectories = read_trajectories(figure, runs, folder, published, prior)
    remark = conditions(provenance, runs)
    if figure.x == "seconds":
        remark += f". {runtime_conditions(runs)}"
    use_style()
    drawing = draw(figure, trajectories, remark)
    save_figure(drawing, prefix, figure.title, describe(figure, trajectories, remark))
    write_text(f"{prefix}.csv", numbers(trajectories).to_csv(index=False))
