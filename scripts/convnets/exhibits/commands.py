"""The command that repeats each row of the tables."""

import shlex
from typing import Any

import pandas as pd

Commands = dict[str, list[tuple[str, str]]]
"""By table: label and command of each row; no command where the row has no run."""


def commands_of(name: str, plan: dict[str, Any], runs: pd.DataFrame) -> Commands:
    """The commands for all tables in `plan`; they train and test the runs of one row only.

    `name` is the run name, under whose folder Snakemake writes. The seeds are those of the finished
    `runs`; of a variant without any, the planned ones.
    """
    planned = [(run["variant"], run["seed"]) for run in plan["runs"]]
    finished = {variant for variant, _ in runs.index}
    files: dict[str, list[str]] = {}
    for variant, seed in [*runs.index, *(run for run in planned if run[0] not in finished)]:
        file = f"results/{name}/runs/{variant}/seed_{seed}/test.json"
        files.setdefault(variant, []).append(file)
    return {
        table: [
            (", ".join(row["label"]), _command(plan["command"], row["variants"], files))
            for row in values["rows"]
        ]
        for table, values in plan["tables"].items()
    }


def _command(command: str, variants: list[str], files: dict[str, list[str]]) -> str:
    wanted = [file for variant in variants for file in files.get(variant, ())]
    return f"{command} -- {shlex.join(wanted)}" if wanted else ""
