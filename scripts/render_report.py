"""Execute the report's notebook on the results and render it as one self-contained page."""

import argparse
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbconvert import HTMLExporter

from convnets.errors import UserError, run_script
from convnets.files import write_text

ANSI_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main() -> None:
    arguments = parse_arguments()
    parameters = {
        "results": str(arguments.results),
        "readings": str(arguments.readings),
        "fidelity": str(arguments.fidelity),
        "experiments": split_names(arguments.experiments),
        "figures": split_names(arguments.figures),
        "command": arguments.command,
    }
    check_parameters(arguments.notebook, parameters)
    notebook = execute(arguments.notebook, parameters)
    write_text(arguments.output.with_suffix(".ipynb"), nbformat.writes(notebook))
    write_text(arguments.output, render(notebook, arguments.template))
    print(f"wrote {arguments.output} and {arguments.output.with_suffix('.ipynb').name}")


def split_names(text: str) -> list[str]:
    """The names in a list separated by commas, which may be empty."""
    return [name for name in text.split(",") if name]


def check_parameters(notebook: Path, parameters: dict[str, Any]) -> None:
    """Raise `UserError` for a parameter that the notebook lacks: papermill would only warn."""
    if not notebook.is_file():
        raise UserError(f"{notebook}: no such file, expected the report's notebook")
    known = papermill.inspect_notebook(notebook)
    unknown = sorted(parameters.keys() - known.keys())
    if unknown:
        raise UserError(
            f"{notebook}: its cell tagged 'parameters' does not set {', '.join(unknown)}; "
            f"it sets {', '.join(known) or 'nothing'}"
        )


def execute(notebook: Path, parameters: dict[str, Any]) -> nbformat.NotebookNode:
    """The notebook with its outputs, and without what differs from one execution to the next.

    The kernel is this Python, and imports `convnets` from beside this script. Raises `UserError`
    with the cell and its error when one fails.
    """
    library = str(Path(__file__).resolve().parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([library, os.environ.get("PYTHONPATH", "")])
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
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.get("tags", [])})
    return notebook


def render(notebook: nbformat.NotebookNode, template: Path) -> str:
    """The notebook as HTML."""
    exporter = HTMLExporter(
        template_name=template.name,
        extra_template_basedirs=[str(template.parent)],
    )
    html, _ = exporter.from_notebook_node(notebook)
    return html


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the results")
    parser.add_argument(
        "--experiments", required=True, help="tables to show, in this order: table_1,table_2"
    )
    parser.add_argument(
        "--figures", required=True, help="figures to show, in this order: figure_06,figure_08"
    )
    parser.add_argument("--readings", type=Path, required=True, help="readings of the paper, YAML")
    parser.add_argument(
        "--fidelity", type=Path, required=True, help="study of the training plan, csv"
    )
    parser.add_argument("--notebook", type=Path, required=True, help="notebook to execute")
    parser.add_argument("--template", type=Path, required=True, help="folder of the HTML template")
    parser.add_argument(
        "--command", default="", help="command that makes the same results, for the reader"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="page to write; the notebook goes beside it"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
