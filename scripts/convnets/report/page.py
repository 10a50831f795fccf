"""Pages: a notebook shows sections rendered from templates, and becomes one HTML file.

The templates are in report/sections; they escape every value. Each cell of a notebook shows one
section with `Sections.show`; `publish` executes it and renders it with an nbconvert template.
"""

import base64
import os
import re
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pandas as pd
import papermill
from IPython.display import HTML
from jinja2 import Environment, Undefined
from nbconvert import HTMLExporter
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

from convnets.core import templates
from convnets.core.errors import UserError
from convnets.core.files import ROOT, write_text
from convnets.exhibits.layer_figures import animated
from convnets.judging.conditions import readable
from convnets.report.results import inner

ANSI_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MEDIA_TYPES = {".csv": "text/csv", ".svg": "image/svg+xml"}
MEDIA_TYPES |= {".md": "text/markdown", ".tex": "application/x-tex"}
SVG = "{http://www.w3.org/2000/svg}"
Heading = tuple[int, str, str]
"""Level, id and text."""


def environment() -> Environment:
    """The templates of pages."""
    found = templates.environment()
    found.filters |= {"inner": inner, "slug": slug, "data_uri": data_uri, "readable": readable}
    found.filters["animated"] = animated
    found.tests["is_file"] = Path.is_file
    found.globals |= {"about": about, "headings": []}
    found.tests["known"] = lambda value: not isinstance(value, Undefined) and pd.notna(value)
    return found


class Sections:
    """The sections of a page; every template sees `values`."""

    def __init__(self, **values: Any) -> None:
        self._environment, self._values = environment(), values

    def show(self, name: str, /, **values: Any) -> HTML:
        """One section for a notebook; the page's contents come from the headings it had."""
        headings: list[Heading] = self._environment.globals["headings"]  # type: ignore[assignment]
        headings.clear()
        html = self._environment.get_template(f"{name}.html").render(self._values | values)
        return HTML(html, metadata={"headings": list(headings)})


def slug(text: str) -> str:
    """A text as part of an id."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def data_uri(content: Path | str) -> str:
    """A file, or the text of an SVG, as an address: scripts in a picture do not run."""
    if isinstance(content, str):
        suffix, data = ".svg", content.encode()
    else:
        suffix, data = content.suffix, content.read_bytes()
    return f"data:{MEDIA_TYPES[suffix]};base64,{base64.b64encode(data).decode()}"


def about(drawing: Path) -> dict[str, str]:
    """Title and description that an SVG file carries. Raises `UserError` if it is none."""
    try:
        root = ElementTree.parse(drawing).getroot()
        if root.tag != f"{SVG}svg":
            raise ValueError(f"its root is {root.tag}")
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        raise UserError(f"{drawing} is no drawing ({error}): delete it, draw it again") from None
    return {"title": root.findtext(f"{SVG}title", ""), "text": root.findtext(f"{SVG}desc", "")}


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
