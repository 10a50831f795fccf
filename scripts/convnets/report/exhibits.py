"""The report's tables and figures: caption, files and program of each, as values."""

import shlex
from pathlib import Path
from typing import Any

import pandas as pd

from convnets.exhibits.layer_figures import ANIMATIONS
from convnets.exhibits.tables import HEADINGS, FilledTable
from convnets.judging.conditions import readable
from convnets.report.results import Results
from convnets.runs.metrics import UNITS

ANALYSIS, READING = "analysis_", "reading_"
"""Prefixes of the figures of analyses, and of the tables of a reading both ways."""
OF_PAPER = (
    *("table_1", "figure_08", "table_2", "table_3", "table_4", "figure_09", "figure_10", "table_5"),
)
"""The tables and figures of the paper's experiments, in its order."""
OF_LAYERS = tuple(f"figure_0{number}" for number in range(1, 8))
"""The paper's figures on the computation of layers."""
ENDINGS = (".csv", ".md", ".tex")
Commands = dict[str, list[tuple[str, str]]]
"""By table: label and command of each row; no command where the row has no run."""


def exhibits(results: Results) -> dict[str, list[dict[str, Any]]]:
    """All planned tables and figures, by the section that shows them."""
    planned = [*results.tables, *results.plan["figure_names"]]
    sections: dict[str, list[str]] = {
        "paper": [name for name in OF_PAPER if name in planned],
        "layers": [name for name in OF_LAYERS if name in planned],
        "analyses": [name for name in planned if name.startswith(ANALYSIS)],
        "readings": [name for name in planned if name.startswith(READING)],
    }
    known = {name for names in sections.values() for name in names}
    sections["beyond"] = [name for name in planned if name not in known]
    sections["absent"] = [name for name in (*OF_PAPER, *OF_LAYERS) if name not in planned]
    return {
        section: [exhibit(name, results) for name in names] for section, names in sections.items()
    }


def exhibit(name: str, results: Results) -> dict[str, Any]:
    """A table from the runs, or a figure from its file, which may be missing."""
    if name in results.tables:
        return _table(name, results)
    file = results.folder / "figures" / f"{name}.svg"
    data, script = file.with_suffix(".csv"), "make_figure.py"
    if name.startswith(ANALYSIS):
        topic = name.removeprefix(ANALYSIS)
        data, script = results.folder / f"analyses/{topic}.csv", f"analyse.py {topic}"
    elif name in OF_LAYERS:
        script = "draw_pooling.py" if name == "figure_06" else "draw_layers.py"
    moving = name in ANIMATIONS and file.with_name(f"{name}_animated.svg").is_file()
    return {
        "name": name,
        "label": "" if name.startswith(ANALYSIS) else readable(name),
        "file": file if file.is_file() else None,
        "animated": name if moving else None,
        "files": [data],
        "script": script,
    }


def _table(name: str, results: Results) -> dict[str, Any]:
    """A table with the rows of comparison.csv on it, by label or variant, and by measure."""
    config, judged = results.tables[name], results.comparison
    judged = judged[judged["table"] == config.published]
    rows = judged.to_dict("records")
    by_label: dict[str, dict[str, Any]] = {}
    for row in rows:
        by_label.setdefault(row["row"], {})[row["metric"]] = row
    filled = FilledTable(config, results.metrics, results.published)
    prefix = results.folder / "tables" / name
    return {
        "name": name,
        "label": "" if name.startswith(READING) else readable(name),
        "title": config.title,
        "header": config.header,
        "headings": [(measure, HEADINGS[measure]) for measure in config.columns],
        "filled": filled,
        "units": UNITS,
        "notes": filled.notes(results.provenance),
        "commands": commands_of(results.folder.name, results.plan, results.metrics)[name],
        "files": [Path(f"{prefix}{ending}") for ending in ENDINGS],
        "script": "make_table.py",
        "judged": [(name, HEADINGS.get(name, name)) for name in judged["metric"].unique()],
        "rows": by_label,
        "cells": {(row["variant"], row["metric"]): row for row in rows},
    }


def commands_of(name: str, plan: dict[str, Any], runs: pd.DataFrame) -> Commands:
    """The commands that repeat the rows of all tables in `plan`; they train these runs only.

    `name` is the run name, under whose folder Snakemake writes. The seeds are those of the finished
    `runs`; of a variant without any, the planned ones.
    """
    planned = [(run["variant"], run["seed"]) for run in plan["runs"]]
    finished = {variant for variant, _ in runs.index}
    files: dict[str, list[str]] = {}
    for variant, seed in [*runs.index, *(run for run in planned if run[0] not in finished)]:
        file = f"results/{name}/runs/{variant}/seed_{seed}/test.json"
        files.setdefault(variant, []).append(file)
    commands: Commands = {}
    for table, values in plan["tables"].items():
        for row in values["rows"]:
            wanted = [file for variant in row["variants"] for file in files.get(variant, ())]
            command = f"{plan['command']} -- {shlex.join(wanted)}" if wanted else ""
            commands.setdefault(table, []).append((", ".join(row["label"]), command))
    return commands
