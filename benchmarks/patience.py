"""What early stopping would have lost: whole learning curves, ended by each patience.

    python -m benchmarks.patience --runs results/reference/runs --output benchmarks/results

Reads the runs that trained for 100 epochs, and writes `patience.csv`, a row a run and patience, and
`patience.svg`: validation accuracy lost, best epochs missed and epochs saved.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from convnets.errors import UserError, run_script
from convnets.files import atomic_write, write_text
from convnets.metrics import read_history
from convnets.run_folder import RECORD, RunFolder
from convnets.stopping import last_epoch

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
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    rows = pd.DataFrame(row for folder in arguments.runs for row in losses(folder))
    if rows.empty:
        raise UserError(f"no run in {arguments.runs} trained for {EPOCHS} epochs or more")
    write_text(arguments.output / "patience.csv", rows.to_csv(index=False))
    with atomic_write(arguments.output / "patience.svg") as file:
        draw(rows).savefig(file, format="svg", metadata={"Date": None})
    print(rows.groupby("patience")[["lost", "missed", "trained"]].mean().to_string())


def losses(folder: Path) -> Iterator[dict[str, object]]:
    """What each patience would have given of each whole run below `folder`."""
    for record in sorted(folder.glob(f"**/{RECORD}")):
        run = RunFolder(record.parent)
        accuracy = read_history(run)["val_accuracy"].to_numpy()
        if len(accuracy) < EPOCHS:
            continue
        for patience in PATIENCES:
            end = last_epoch(accuracy, EPOCHS, patience)
            best, best_of_all = int(accuracy[:end].argmax()), int(accuracy.argmax())
            yield {
                "variant": run.record["variant"]["id"],
                "seed": run.record["seed"],
                "data": run.record["data"]["display_name"],
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
