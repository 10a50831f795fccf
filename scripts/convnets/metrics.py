"""From the folders of the runs to one tidy table of measures, and back to a row a run."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from convnets.errors import UserError
from convnets.run_folder import RunFolder

UNITS = {
    "test_accuracy": "fraction",
    "test_loss": "nats",
    "test_images": "images",
    "best_val_accuracy": "fraction",
    "best_epoch": "epoch",
    "epochs": "epochs",
    "epochs_trained": "epochs",
    "epoch_seconds": "s",
    "seconds_to_best": "s",
    "train_seconds": "s",
    "parameters": "parameters",
    "multiply_adds": "multiply-adds",
    "receptive_field": "pixels",
}
"""The measures of a run. Beside them, `filters_layer_1`, `filters_layer_2`, ... count filters."""
COLUMNS = ["variant", "seed", "measure", "value", "unit", "device"]
FILTERS = "filters_layer_"


def collect(folders: Iterable[Path]) -> pd.DataFrame:
    """The measures of the runs in `folders`: one row per run and measure, sorted by run.

    Columns `variant`, `seed`, `measure`, `value` (a number), `unit` and `device` (the name of
    the processor or GPU, without which a runtime says nothing).
    """
    records = []
    for folder in folders:
        run = RunFolder(folder).record
        identity = {"variant": run["variant"]["id"], "seed": run["seed"]}
        for measure, value in _measures(RunFolder(folder)).items():
            unit = UNITS.get(measure, "filters")
            about = {"measure": measure, "value": value, "unit": unit}
            records.append(identity | about | {"device": run["device_name"]})
    metrics = pd.DataFrame(records, columns=COLUMNS)
    return metrics.sort_values(["variant", "seed"], kind="stable", ignore_index=True)


def read_runs(path: Path) -> pd.DataFrame:
    """`metrics.csv` with one row a run: index (`variant`, `seed`), a column for each measure.

    A column `device` names the processor or GPU.
    """
    metrics = pd.read_csv(path)
    missing = sorted(set(COLUMNS) - set(metrics.columns))
    if missing:
        raise UserError(
            f"{path} has no column {missing[0]!r}, expected {', '.join(COLUMNS)}: make it again "
            "with collect_metrics.py"
        )
    runs = metrics.pivot(index=["variant", "seed", "device"], columns="measure", values="value")
    if "epochs" in runs and "epochs_trained" not in runs:  # made before there was early stopping
        runs["epochs_trained"] = runs["epochs"]
    return runs.reset_index("device").rename_axis(columns=None)


def runs_of(runs: pd.DataFrame, *variants: str) -> pd.DataFrame:
    """The rows of `runs` that belong to `variants`; none where a variant was not trained."""
    return runs[runs.index.get_level_values("variant").isin(variants)]


def rank_variants(runs: pd.DataFrame, variants: Iterable[str]) -> list[str]:
    """The trained ones of `variants`, best mean validation accuracy first, ties as given."""
    means = runs.groupby("variant")["best_val_accuracy"].mean()
    trained = [variant for variant in variants if variant in means.index]
    return sorted(trained, key=lambda variant: -means[variant])


def filters_label(run: pd.Series) -> str:
    """The filters of a run as the paper writes them: `64`, or `16→32→64→128` layer by layer."""
    by_layer = {
        int(str(measure).removeprefix(FILTERS)): int(value)
        for measure, value in run.items()
        if str(measure).startswith(FILTERS) and pd.notna(value)
    }
    filters = [by_layer[layer] for layer in sorted(by_layer)]
    return "→".join(map(str, filters[:1] if len(set(filters)) == 1 else filters))


def read_history(folder: RunFolder) -> pd.DataFrame:
    """`history.csv` of a run, a row an epoch: index `epoch`, the columns of `state.Epoch`."""
    return pd.DataFrame(folder.history).astype({"epoch": int}).set_index("epoch")


def _measures(folder: RunFolder) -> dict[str, float]:
    run, seconds = folder.record, read_history(folder)["epoch_seconds"]
    filters, num_layers = run["variant"]["filters"], run["variant"]["num_layers"]
    per_layer = filters if isinstance(filters, list) else [filters] * num_layers
    values = (
        {"epochs_trained": len(seconds)}
        | run
        | folder.test
        | {
            "epoch_seconds": seconds.mean(),
            "seconds_to_best": seconds.loc[: run["best_epoch"]].sum(),
        }
    )
    return {measure: values[measure] for measure in UNITS} | {
        f"{FILTERS}{layer}": number for layer, number in enumerate(per_layer, start=1)
    }
