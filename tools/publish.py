"""Publish finished results: copy what others need to check and regenerate them.

Records, histories and predictions of every finished run, the plan, the resolved configuration, the
provenance of the data and what cannot be made from these go to results/published/NAME; checkpoints,
images and logs do not. Tables, verdicts and the report are then made anew there. Runs that were
published before stay; a run with other data or settings than theirs is refused.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from convnets.config.settings import MACHINE_FOLDER
from convnets.core.arguments import results_parser
from convnets.core.errors import UserError, run_script
from convnets.core.files import atomic_write, write_json, write_text
from convnets.report.remake import OF_RUN, finished_runs, report_now
from convnets.report.results import read_plan
from convnets.runs.identity import differences, recorded_identity
from convnets.runs.run_folder import RunFolder

PATTERNS = (
    *("metrics.csv", "runtimes*.csv", "comparison.csv", "claims.csv", "readings.csv"),
    *("mechanism.json", "data/provenance.json", "analyses/*.csv", "tables/*.*"),
    *("figures/*.svg", "figures/*.csv", "lesson.html", "lesson/*.*"),
)
"""Files of a results folder to copy, beside runs, plan and configuration."""
LIMIT = 20_000_000
"""Bytes that a published folder should stay below."""
LOCAL_FOLDER = re.compile(r"(?<![\w.\-/~])/(?:[\w.+\-]+/)+")
"""A folder of this machine in a command or a configuration."""


def main() -> None:
    parser = results_parser(__doc__)
    parser.add_argument("--to", type=Path, help="folder to write (results/published/NAME)")
    arguments = parser.parse_args()
    source = arguments.results.resolve()
    target = arguments.to or source.parent / "published" / source.name
    publish(source, target.resolve())


def publish(source: Path, target: Path) -> None:
    """Add the finished runs of `source` to `target`, and make the report of all runs there."""
    finished = finished_runs(source)
    published = sorted(file.parent for file in target.glob("runs/*/seed_*/run.json"))
    check_runs([RunFolder(path) for path in (*published, *finished)])
    plan = merged_plan(read_plan(source / "plan.json"), target)
    for run in finished:
        for name in OF_RUN:
            copy(run / name, target / run.relative_to(source) / name)
    for pattern in PATTERNS:
        for file in source.glob(pattern):
            copy(file, target / file.relative_to(source))
    for file in source.with_name(MACHINE_FOLDER).glob("*.*"):
        copy(file, target.with_name(MACHINE_FOLDER) / file.name)
    write_json(target / "plan.json", plan)
    if (source / "config.yaml").is_file():
        text = (source / "config.yaml").read_text(encoding="utf-8")
        write_text(target / "config.yaml", without_folders(text))
    report_now(target)
    size = sum(
        file.stat().st_size
        for file in target.rglob("*")
        if file.is_file() and file.suffix not in (".png", ".ipynb")  # which git ignores here
    )
    print(f"{target}: {len(finished)} runs published, {size / 1e6:.1f} MB together")
    if size > LIMIT:
        print(f"warning: this is more than {LIMIT / 1e6:.0f} MB; leave out figures or runs")


def check_runs(runs: list[RunFolder]) -> None:
    """Raise `UserError` if a run is damaged, or has other data or settings than the others.

    All share data and arithmetic; those of a variant differ in their seed only.
    """
    known: dict[str, tuple[RunFolder, dict[str, Any]]] = {}
    for run in runs:
        assert run.history and run.test and run.predictions  # each is checked when it is read
        own = recorded_identity(run) | {"epochs": run.record["epochs"]}
        del own["seed"]
        shared = {key: own[key] for key in ("data", "arithmetic")}
        for group, values in (("", shared), (own["variant"]["id"], own)):
            other, expected = known.setdefault(group, (run, values))
            if found := "; ".join(differences(expected, values)):
                raise UserError(
                    f"{run.path} does not belong to the same results as {other.path} ({found}): "
                    "publish it under another name, with --to"
                )


def merged_plan(plan: dict[str, Any], target: Path) -> dict[str, Any]:
    """`plan` without folders of this machine, and with the runs that only `target` has."""
    plan = json.loads(without_folders(json.dumps(plan)))
    before = read_plan(target / "plan.json") if (target / "plan.json").is_file() else {"runs": []}
    planned = {(run["variant"], run["seed"]) for run in plan["runs"]}
    plan["runs"] += [
        run
        for run in before["runs"]
        if (run["variant"], run["seed"]) not in planned
        and (target / "runs" / run["variant"] / f"seed_{run['seed']}").is_dir()
    ]
    return plan


def without_folders(text: str) -> str:
    """`text` in which PATH/TO/ replaces the folders of this machine."""
    return LOCAL_FOLDER.sub("PATH/TO/", text)


def copy(source: Path, target: Path) -> None:
    """Copy a file; it is complete or not there."""
    with open(source, "rb") as content, atomic_write(target) as file:
        shutil.copyfileobj(content, file)


if __name__ == "__main__":
    run_script(main)
