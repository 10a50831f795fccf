"""The command that repeats each row of the tables."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from convnets.judging.conditions import readable

INTRODUCTION = """# How to repeat each row

Everything, from the root of the repository:

    {command}

A table, for example:

    {command} -- {table}

The commands below train and test the runs of one row, and make nothing else.
"""


def commands_of_rows(name: str, plan: dict[str, Any], runs: pd.DataFrame) -> str:
    """Markdown with a command for each row of the tables in `plan` that has finished `runs`.

    `name` is the run name, under whose folder Snakemake writes.
    """
    tables = plan["tables"]
    example = f"results/{name}/tables/{next(iter(tables))}.md"
    parts = [INTRODUCTION.format(command=plan["command"], table=example)]
    for table, values in tables.items():
        parts.append(f"\n## {readable(table)}. {values['title']}\n")
        parts += _rows(name, plan["command"], values["rows"], runs)
    return "".join(parts)


def _rows(name: str, command: str, rows: list[dict[str, Any]], runs: pd.DataFrame) -> Iterator[str]:
    for row in rows:
        wanted = set(row["variants"])
        files = [
            f"results/{name}/runs/{variant}/seed_{seed}/test.json"
            for variant, seed in runs.index
            if variant in wanted
        ]
        repeat = f"{command} -- {' '.join(files)}" if files else "(no finished run)"
        yield f"\n{', '.join(row['label'])}:\n\n    {repeat}\n"
