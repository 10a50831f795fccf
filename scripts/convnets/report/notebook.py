"""Notebooks become pages: executed on the results, then rendered as one HTML file."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbconvert import HTMLExporter
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

from convnets.core.errors import UserError
from convnets.core.files import ROOT, write_text

ANSI_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
Heading = tuple[int, str, str]
"""Level, id and text."""


def publish(name: str, results: Path, page: Path) -> None:
    """Write `page` from report/NAME.ipynb and its template, and beside it the executed notebook."""
    executed = execute(ROOT / f"report/{name}.ipynb", {"results": str(results)})
    write_text(page.with_suffix(".ipynb"), nbformat.writes(executed))
    write_text(page, render(executed, ROOT / "report" / f"{name}_template"))
    print(f"wrote {page} and {page.with_suffix('.ipynb').name}")


def execute(notebook: Path, parameters: dict[str, Any]) -> nbformat.NotebookNode:
    """The notebook with its outputs, the same bytes at each execution.

    `parameters` replace those of the cell tagged `parameters`. The kernel is this Python and
    imports this `convnets`. Raises `UserError` if a cell fails: with the message of its own
    `UserError`, or with the cell, its error and the line that raised it.
    """
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT / "scripts"), os.environ.get("PYTHONPATH", "")]
    )
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["IPYTHONDIR"] = scratch  # no start-up files, no history in the user's home
        try:
            executed = papermill.execute_notebook(
                notebook,
                Path(scratch, "executed.ipynb"),
                parameters,
                kernel_name="python3",
                progress_bar=False,
            )
        except papermill.PapermillExecutionError as error:
            if error.ename == UserError.__name__:
                raise UserError(error.evalue) from None
            frame = ANSI_COLOUR.sub("", error.traceback[-2])
            raise UserError(
                f"{notebook}: cell {error.cell_index + 1} failed with {error.ename}: "
                f"{error.evalue}\n{error.source}\n{frame}"
            ) from error
    return without_traces(executed)


def without_traces(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Drop times, durations, identifiers and paths of the execution: same inputs, same bytes."""
    kept = {key: notebook.metadata[key] for key in ("title", "kernelspec")}
    notebook.metadata = nbformat.from_dict(kept)
    # The output of a cell arrives in pieces that differ between executions.
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.get("tags", [])})
    return notebook


def render(notebook: nbformat.NotebookNode, template: Path) -> str:
    """The notebook as HTML; its contents are the headings of levels 2 and 3."""
    exporter = HTMLExporter(
        template_name=template.name,
        extra_template_basedirs=[str(template.parent)],
        extra_template_paths=[str(template.parent)],  # a template names the one it extends
    )
    sections: list[list[Heading]] = []
    for level, id, text in (heading for cell in notebook.cells for heading in headings_of(cell)):
        if level == 2 or not sections:
            sections.append([])
        sections[-1].append((level, id, text))
    html, _ = exporter.from_notebook_node(notebook, resources={"sections": sections})
    return str(html)


def headings_of(cell: nbformat.NotebookNode) -> list[Heading]:
    """The headings in the text of a cell, or in the section that it shows."""
    if cell.cell_type == "markdown":
        found = re.findall(r"^(##+) (.+)$", cell.source, re.MULTILINE)
        return [(len(marks), text.replace(" ", "-"), text) for marks, text in found]
    shown = (out.get("metadata", {}).get("text/html", {}) for out in cell.outputs)
    return [tuple(heading) for data in shown for heading in data.get("headings", ())]
