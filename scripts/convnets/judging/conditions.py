"""What captions say: how results came about, and where that differs from the paper."""

import math
from typing import Any

import pandas as pd

from convnets.runs.metrics import EPOCH_ROUND, OTHER_LOAD, runtimes_measured

EMNIST_SOURCES = ("nist", "archive", "npz")
"""The data sources (`data.source`) of real EMNIST images."""
PAPER_EPOCHS = 100
"""Epochs that every model was trained for (paper, Section 4)."""
PAPER_IMAGES = {"train": 100_000, "validation": 15_800, "test": 15_800}
"""Images of each part of the split (paper, Section 1)."""
SAME, NEAR, OTHER = "same", "near", "other"
"""Levels of conditions. *Same*: official data and the paper's epochs. *Near*: EMNIST images, nearly
as many, trained to the end or until early stopping. *Other*: everything else."""
NEARLY_ALL = 0.8
"""Least share of the paper's images that is near."""
LAST_PART = 0.1
"""Share of the epochs that counts as the end of training."""
PAPER_GPU = "K80"
"""The GPU, "one Nvidia K80" (paper, Section 4)."""
HIGH_LOAD = 0.1
"""Share of the processor time that disturbs a measurement if other processes use it."""


def conditions(provenance: dict[str, Any], runs: pd.DataFrame) -> str:
    """One clause on data, epochs, seeds and hardware of `runs`, for captions.

    It begins with a capital and has no full stop. What deviates from the paper stands beside
    the paper's value.
    """
    parts = [_data(provenance), _images(provenance)]
    if len(runs):
        seeds = runs.groupby("variant").size()
        parts += [
            _epochs(runs),
            _range(seeds) + (" seed" if seeds.max() == 1 else " seeds"),
            _hardware(runs),
        ]
    else:
        parts.append("no finished run")
    return ", ".join(parts)


def deviations(provenance: dict[str, Any], runs: pd.DataFrame) -> list[str]:
    """What makes numbers of `runs` another thing than the paper's: empty when nothing does."""
    reasons = []
    if not provenance["official"]:
        reasons.append(f"data are {provenance['display_name']}, not official EMNIST Balanced")
    split = provenance["counts"]["split"]
    for part, number in PAPER_IMAGES.items():
        if split[part] < number:
            reasons.append(f"{split[part]:,} of {number:,} {part} images")
    if epochs_trained(runs).min() < PAPER_EPOCHS:
        stopped = "" if cut_short(runs).any() else ", stopped early"
        reasons.append(f"{_range(epochs_trained(runs))} of {PAPER_EPOCHS} epochs{stopped}")
    return reasons


def runtime_conditions(runs: pd.DataFrame) -> str:
    """One sentence on how the runtimes of `runs` were taken, without a full stop, for captions."""
    if not runtimes_measured(runs):
        return (
            "Runtimes are what the runs took while they trained, beside whatever else the machine "
            "did: they were not measured side by side"
        )
    rounds = runs.columns.str.startswith(EPOCH_ROUND).sum()
    text = f"Runtimes of an epoch are medians of {rounds} rounds, measured side by side"
    devices = sorted(set(runs["runtime_device"]))
    if devices != sorted(set(runs["device"])):
        text += f" on {' and '.join(devices)}"
    load, others = (runs[name].mean() if name in runs else math.nan for name in OTHER_LOAD)
    if pd.notna(load):
        text += f"; other processes used {100 * load:.0f} % of the processors meanwhile"
    if others > 0:
        text += f"; {others:.3g} other processes used the GPU"
    if load > HIGH_LOAD or others > 0:
        text += ", so values may be too high and intervals are wider than on an idle machine"
    return text


def level(provenance: dict[str, Any], runs: pd.DataFrame) -> str:
    """How far the conditions of `runs` are the paper's: `SAME`, `NEAR` or `OTHER`."""
    split = provenance["counts"]["split"]
    share = min(split[part] / number for part, number in PAPER_IMAGES.items())
    emnist = provenance["source"] in EMNIST_SOURCES
    if not emnist or share < NEARLY_ALL or cut_short(runs).any():
        return OTHER
    return NEAR if deviations(provenance, runs) else SAME


def epochs_trained(runs: pd.DataFrame) -> pd.Series:
    """Epochs that each run was trained for; records before early stopping have `epochs` only."""
    if "epochs_trained" not in runs:
        return runs["epochs"]
    return runs["epochs_trained"].fillna(runs["epochs"])


def cut_short(runs: pd.DataFrame) -> pd.Series:
    """Which runs ended before the paper's did, and not by early stopping."""
    trained = epochs_trained(runs)
    return (trained < PAPER_EPOCHS) & (trained == runs["epochs"])


def censored(runs: pd.DataFrame) -> list[str]:
    """Variants with a run that was cut short at or near its best, so that the best is unknown."""
    near_end = runs["best_epoch"] > (1 - LAST_PART) * epochs_trained(runs)
    found = runs.index.get_level_values("variant")[cut_short(runs) & near_end]
    return list(found.unique())


def other_hardware(runs: pd.DataFrame) -> list[str]:
    """The devices of `runs` other than the paper's, on which runtimes do not compare."""
    return [name for name in sorted(set(runs["device"])) if PAPER_GPU not in name]


def readable(name: str) -> str:
    """`table_1` as `Table 1`, `figure_08` as `Figure 8`."""
    words = [word.lstrip("0") if word.isdigit() else word for word in name.split("_")]
    return " ".join(words).capitalize()


def _data(provenance: dict[str, Any]) -> str:
    name: str = provenance["display_name"]
    return f"{name} (not EMNIST)" if provenance["source"] == "glyphs" else name


def _images(provenance: dict[str, Any]) -> str:
    split = provenance["counts"]["split"]
    text = f"{split['train']:,} training and {split['test']:,} test images"
    if split == PAPER_IMAGES or provenance["source"] == "torchvision":
        return text
    return f"{text} (paper: {PAPER_IMAGES['train']:,} and {PAPER_IMAGES['test']:,})"


def _epochs(runs: pd.DataFrame) -> str:
    asked = f"{_range(runs['epochs'])} epochs"
    if (runs["epochs"] < PAPER_EPOCHS).any():
        asked = f"{_range(runs['epochs'])} of the paper's {PAPER_EPOCHS} epochs"
    early = runs[epochs_trained(runs) < runs["epochs"]]
    if early.empty:
        return asked
    ended = _range(early["epochs_trained"])
    return f"at most {asked} ({len(early)} of {len(runs)} runs stopped early, after {ended})"


def _hardware(runs: pd.DataFrame) -> str:
    text = "run on " + " and ".join(sorted(set(runs["device"])))
    return f"{text} (paper: Nvidia {PAPER_GPU})" if other_hardware(runs) else text


def _range(values: pd.Series) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low}" if low == high else f"{low} to {high}"
