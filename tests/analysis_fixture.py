"""Folders of made-up runs, as train.py and evaluate.py leave them, for the tests of analysis."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from convnets.architectures.variant import Variant
from convnets.judging.conditions import PAPER_IMAGES
from convnets.runs.metrics import RUNTIME_COLUMNS

OFFICIAL = {
    "display_name": "EMNIST Balanced",
    "official": True,
    "source": "nist",
    "counts": {"split": dict(PAPER_IMAGES)},
}
GLYPHS = {
    "display_name": "Synthetic glyphs",
    "official": False,
    "source": "glyphs",
    "counts": {"split": {"train": 2000, "validation": 500, "test": 1000}},
}


def make_run(
    runs: Path,
    variant: Variant,
    val_accuracies: list[float],
    *,
    seed: int = 0,
    test_accuracy: float = 0.88,
    test_images: int = 15_800,
    epoch_seconds: float = 2.0,
    device_name: str = "Tesla K80",
) -> Path:
    """Write run.json, test.json and history.csv of a run; return its folder."""
    folder = runs / variant.id / f"seed_{seed}"
    folder.mkdir(parents=True)
    best = max(val_accuracies)
    run: dict[str, Any] = {
        "variant": variant.specification(),
        "parameters": variant.parameters,
        "multiply_adds": variant.multiply_adds,
        "receptive_field": variant.receptive_field,
        "seed": seed,
        "epochs": len(val_accuracies),
        "data": {"split": dict(PAPER_IMAGES)},
        "device_name": device_name,
        "train_seconds": epoch_seconds * len(val_accuracies),
        "best_epoch": val_accuracies.index(best) + 1,
        "best_val_accuracy": best,
    }
    test = {"test_accuracy": test_accuracy, "test_loss": 0.5, "test_images": test_images}
    rows = [
        f"{epoch},0.5,0.8,0.5,{accuracy!r},{epoch_seconds!r}"
        for epoch, accuracy in enumerate(val_accuracies, start=1)
    ]
    header = "epoch,train_loss,train_accuracy,val_loss,val_accuracy,epoch_seconds"
    (folder / "history.csv").write_text("\n".join([header, *rows, ""]))
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "test.json").write_text(json.dumps(test))
    return folder


def make_runtimes(
    seconds: dict[str, list[float]], device_name: str = "Tesla K80", other_cpu_share: float = 0.02
) -> pd.DataFrame:
    """What `read_runtimes` gives for `seconds` an epoch of each variant in each round."""
    rows = []
    for variant, rounds in seconds.items():
        row: dict[str, Any] = dict.fromkeys(RUNTIME_COLUMNS) | {
            "variant": variant,
            "epoch_seconds": float(pd.Series(rounds).median()),
            "rounds": len(rounds),
            "device_name": device_name,
            "other_cpu_share": other_cpu_share,
        }
        rows.append(row | {f"round_{n}": value for n, value in enumerate(rounds, start=1)})
    return pd.DataFrame(rows).set_index("variant")
