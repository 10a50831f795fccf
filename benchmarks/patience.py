"""Losses by early stopping: whole learning curves, ended by each patience.

    python -m benchmarks.patience --runs results/reference/runs \\
        --curves config/prior/curves.csv --output benchmarks/results

Reads the runs that trained for 100 epochs, ours and other people's. Writes `patience.csv`, a row
for each run and patience, and `patience.svg`: accuracy lost, best epochs missed, epochs trained.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from convnets.core.errors import UserError, run_script
from convnets.core.files import atomic_write, write_text
from convnets.runs.metrics import read_history
from convnets.runs.progress import last_epoch
from convnets.runs.run_folder import RECORD, RunFolder

Curve = tuple[str, str, np.ndarray]
"""Variant, name of the run, and validation accuracy by epoch."""
PATIENCES = range(5, 26)
EPOCHS = 100
PANELS = {
    "lost": "Accuracy lost\n(percentage points)",
    "missed": "Best epochs missed\n(share of the runs)",
    "trained": "Epochs trained\n(of 100)",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of runs")
    parser.add_argument(
        "--curves", type=Path, help="learning curves of other people's runs, as csv"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    curves = [curve for folder in arguments.runs for curve in own_curves(folder)]
    if arguments.curves:
        curves += other_curves(arguments.curves)
    whole = [curve for curve in curves if len(curve[2]) >= EPOCHS]
    if not whole:
        raise UserError(f"no run in {arguments.runs} trained for {EPOCHS} epochs or more")
    rows = pd.DataFrame(row for curve in whole for row in losses(*curve))
    write_text(arguments.output / "patience.csv", rows.to_csv(index=False))
    with atomic_write(arguments.output / "patience.svg") as file:
        draw(rows).savefig(file, format="svg", metadata={"Date": None})
    print(rows.groupby("patience")[["lost", "missed", "trained"]].mean().to_string())


def own_curves(folder: Path) -> Iterator[Curve]:
    """The curve of each finished run below `folder`."""
    for record in sorted(folder.glob(f"**/{RECORD}")):
        run = RunFolder(record.parent)
        name = f"{run.record['variant']['id']}, seed {run.record['seed']}"
        yield run.record["variant"]["id"], name, read_history(run)["val_accuracy"].to_numpy()


def other_curves(file: Path) -> list[Curve]:
    """The curves of the paper's variants in a csv with a row a run and epoch."""
    rows = pd.read_csv(file).dropna(subset="val_acc").sort_values("epoch", kind="stable")
    return [
        (str(own["architecture"].iloc[0]), str(name), own["val_acc"].to_numpy())
        for name, own in rows.groupby("run_key")
        if not own["architecture"].iloc[0].startswith("other:")
    ]


def losses(variant: str, run: str, accuracy: np.ndarray) -> Iterator[dict[str, object]]:
    """Result of each patience on a whole curve (epochs,)."""
    best_of_all = int(accuracy[:EPOCHS].argmax())
    for patience in PATIENCES:
        end = last_epoch(accuracy, EPOCHS, patience)
        best = int(accuracy[:end].argmax())
        yield {
            "variant": variant,
            "run": run,
            "patience": patience,
            "trained": end,
            "best_epoch": best + 1,
            "best_epoch_of_all": best_of_all + 1,
            "lost": 100 * (accuracy[best_of_all] - accuracy[best]),
            "missed": best != best_of_all,
        }


def draw(rows: pd.DataFrame) -> Drawing:
    """A panel for each measure: every variant thin, the mean of all runs thick."""
    drawing = Drawing(figsize=(7.2, 2.8), layout="constrained")
    for axes, (measure, label) in zip(
        drawing.subplots(1, len(PANELS)), PANELS.items(), strict=True
    ):
        for variant, own in rows.groupby("variant"):
            mean = own.groupby("patience")[measure].mean()
            axes.plot(mean.index, mean, linewidth=0.8, alpha=0.7, label=variant)
        mean = rows.groupby("patience")[measure].mean()
        axes.plot(mean.index, mean, color="black", linewidth=2, label="all runs")
        axes.set(xlabel="Patience (epochs)", ylabel=label, ylim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    handles, labels = axes.get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=7, frameon=False)
    return drawing


if __name__ == "__main__":
    run_script(main)
