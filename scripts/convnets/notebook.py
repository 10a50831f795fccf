"""Execute a notebook and render it as one self-contained page."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbconvert import HTMLExporter
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

from convnets.contents import with_contents
from convnets.core.errors import UserError
from convnets.core.files import write_text

ANSI_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LIBRARY = Path(__file__).resolve().parents[1]
"""The folder that holds this package."""


def publish(notebook: Path, parameters: dict[str, Any], template: Path, page: Path) -> None:
    """Write `page`, and beside it the executed notebook.

    `parameters` replace those of the notebook's cell tagged `parameters`; `template` is the
    folder of an nbconvert template.
    """
    check_parameters(notebook, parameters)
    executed = execute(notebook, parameters)
    write_text(page.with_suffix(".ipynb"), nbformat.writes(executed))
    write_text(page, render(executed, template))
    print(f"wrote {page} and {page.with_suffix('.ipynb').name}")


def check_parameters(notebook: Path, parameters: dict[str, Any]) -> None:
    """Raise `UserError` for a parameter that the notebook lacks: papermill would only warn."""
    if not notebook.is_file():
        raise UserError(f"{notebook}: no such file, expected a notebook")
    known = papermill.inspect_notebook(notebook)
    unknown = sorted(parameters.keys() - known.keys())
    if unknown:
        raise UserError(
            f"{notebook}: its cell tagged 'parameters' does not set {', '.join(unknown)}; "
            f"it sets {', '.join(known) or 'nothing'}"
        )


def execute(notebook: Path, parameters: dict[str, Any]) -> nbformat.NotebookNode:
    """The notebook with its outputs, and without what differs from one execution to the next.

    The kernel is this Python, and imports `convnets` from its own place. Raises `UserError`
    with the cell and its error when one fails.
    """
    os.environ["PYTHONPATH"] = os.pathsep.join([str(LIBRARY), os.environ.get("PYTHONPATH", "")])
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
            traceback = ANSI_COLOUR.sub("", "\n".join(error.traceback))
            raise UserError(
                f"{notebook}: cell {error.cell_index + 1} failed with {error.ename}: "
                f"{error.evalue}\n{error.source}\n{traceback}"
            ) from error
    return without_traces(executed)


def without_traces(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Drop times, durations, identifiers and paths of the execution: same inputs, same bytes."""
    kept = {key: notebook.metadata[key] for key in ("title", "kernelspec")}
    notebook.metadata = nbformat.from_dict(kept)
    # What a cell prints arrives in pieces, as its time has it.
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.get("tags", [])})
    return notebook


def render(notebook: nbformat.NotebookNode, template: Path) -> str:
    """The notebook as HTML."""
    exporter = HTMLExporter(
        template_name=template.name,
        extra_template_basedirs=[str(template.parent)],
        extra_template_paths=[str(template.parent)],  # a template names the one it extends
    )
    html, _ = exporter.from_notebook_node(notebook)
    return with_contents(html)
