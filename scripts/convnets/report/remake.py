"""Tables, figures, verdicts and report, made again from the records of runs without training."""

from pathlib import Path
from typing import Any

import pandas as pd

from convnets.analyses.registry import OF_RECORDS, draw_analysis
from convnets.analyses.study import Study
from convnets.config.experiments import Figure, Table
from convnets.config.settings import parse
from convnets.core.errors import UserError
from convnets.core.files import write_json, write_text
from convnets.core.tables import write_table
from convnets.data.folder import read_provenance
from convnets.exhibits.figures import make_figure
from convnets.exhibits.tables import make_table
from convnets.judging.claims import read_mechanism
from convnets.judging.table import judge_runs
from convnets.report.exhibits import commands_of
from convnets.report.notebook import publish
from convnets.report.page import environment
from convnets.report.results import read_plan
from convnets.runs.metrics import collect, read_runs, read_runtimes
from convnets.runs.run_folder import RunFolder

OF_RUN = ("run.json", "history.csv", "test.json", "predictions.npz")


def report_now(folder: Path) -> None:
    """Make tables, figures, verdicts and report from the records in `folder`."""
    plan = read_plan(folder / "plan.json")
    provenance = read_provenance(folder / "data" / "provenance.json")
    runs = intact_runs(folder)
    measured = folder / "runtimes.csv"
    runtimes = read_runtimes(measured) if measured.is_file() else None
    write_text(folder / "metrics.csv", collect(runs, runtimes).to_csv(index=False))
    metrics = read_runs(folder / "metrics.csv")
    mechanism = folder / "mechanism.json"
    if not mechanism.is_file():
        from convnets.judging.mechanism import measure_mechanism  # noqa: PLC0415 - needs PyTorch

        write_json(mechanism, measure_mechanism())
    for name, judged in judge_runs(runs, metrics, read_mechanism(mechanism), provenance).items():
        write_table(folder / f"{name}.csv", judged)
    for name, values in plan["tables"].items():  # with gaps where runs are missing
        table = parse(Table, values, f"{folder}/plan.json: {name}")
        make_table(table, metrics, provenance, folder / "tables" / name)
    make_figures(folder, plan["figures"], metrics, provenance)
    make_analyses(folder, plan, metrics)
    commands = commands_of(folder.name, plan, metrics)
    template = environment().get_template("commands.md")
    page = template.render(name=folder.name, plan=plan, commands=commands)
    write_text(folder / "commands.md", page)
    publish("report", folder, folder / "report.html")


def finished_runs(folder: Path) -> list[Path]:
    """The folders of the runs that were trained and tested."""
    runs = sorted(file.parent for file in folder.glob("runs/*/seed_*/run.json"))
    finished = [run for run in runs if all((run / name).is_file() for name in OF_RUN)]
    if not finished:
        raise UserError(f"{folder} has no finished run, expected {', '.join(OF_RUN)} in runs/*/*/")
    return finished


def intact_runs(folder: Path) -> list[Path]:
    """The folders of the finished runs without damage; prints the names of the others."""
    finished = finished_runs(folder)
    damaged = {run: found for run in finished if (found := RunFolder(run).problem())}
    for run, found in damaged.items():
        print(f"{run.parent.name}, {run.name} is left out: {found}")
    if len(damaged) == len(finished):
        raise UserError(f"{folder} has no intact run: train them again, with another run_name")
    return [run for run in finished if run not in damaged]


def make_figures(
    folder: Path, figures: dict[str, Any], metrics: pd.DataFrame, provenance: dict[str, Any]
) -> None:
    """Write the figures of training; delete those with a curve that has no run yet."""
    for name, values in figures.items():
        prefix = folder / "figures" / name
        try:
            figure = parse(Figure, values, f"{folder}/plan.json: {name}")
            make_figure(figure, metrics, folder / "runs", provenance, prefix)
        except UserError as error:
            print(f"{name} is left out: {error}")
            for ending in (".svg", ".png", ".csv"):
                Path(f"{prefix}{ending}").unlink(missing_ok=True)


def make_analyses(folder: Path, plan: dict[str, Any], metrics: pd.DataFrame) -> None:
    """Draw the planned analyses of the records: of the paper's variants, or else of all."""
    rows = [row for table in plan["tables"].values() if table["published"] for row in table["rows"]]
    ids = {id for row in rows for id in row["variants"]}
    planned = [(run["variant"], run["seed"]) for run in plan["runs"]]
    known = [run for run in planned if run in metrics.index]
    chosen = [run for run in known if run[0] in ids] or known
    runs = [folder / "runs" / id / f"seed_{seed}" for id, seed in chosen]
    study = Study(runs, folder / "metrics.csv", folder / "data/provenance.json")
    for name in OF_RECORDS:
        figure = f"analysis_{name}"
        if figure in plan["figure_names"]:
            draw_analysis(name, study, folder / f"analyses/{name}.csv", folder / "figures" / figure)
