"""Conditions of results, and their differences from the paper's, for captions and verdicts."""

from typing import Any

import pandas as pd

from convnets.core.templates import texts
from convnets.runs.metrics import EPOCH_ROUND, OTHER_LOAD

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

    It begins with a capital and has no full stop. The paper's value follows where ours deviates.
    """
    paper = {"images": PAPER_IMAGES, "epochs": PAPER_EPOCHS, "gpu": PAPER_GPU}
    functions = {"span": _range, "other_hardware": other_hardware}
    values = {"provenance": provenance, "runs": runs, "paper": paper}
    return texts("conditions", **values, **functions)["conditions"]


def deviations(provenance: dict[str, Any], runs: pd.DataFrame) -> list[str]:
    """Differences of the conditions of `runs` from the paper's; empty if there are none."""
    reasons = []
    if not provenance["official"]:
        reasons.append(f"data are {provenance['display_name']}, not official EMNIST Balanced")
    split = provenance["counts"]["split"]
    for part, number in PAPER_IMAGES.items():
        if split[part] < number:
            reasons.append(f"{split[part]:,} of {number:,} {part} images")
    if runs["epochs_trained"].min() < PAPER_EPOCHS:
        stopped = "" if cut_short(runs).any() else ", stopped early"
        reasons.append(f"{_range(runs['epochs_trained'])} of {PAPER_EPOCHS} epochs{stopped}")
    return reasons


def runtime_conditions(runs: pd.DataFrame) -> str:
    """One sentence on how the runtimes of `runs` were taken, without a full stop, for captions."""
    load = runs.reindex(columns=list(OTHER_LOAD)).mean()
    rounds = runs.columns.str.startswith(EPOCH_ROUND).sum()
    values = {"runs": runs, "rounds": rounds, "load": load, "high_load": HIGH_LOAD}
    return texts("runtime_conditions", **values)["conditions"]


def level(provenance: dict[str, Any], runs: pd.DataFrame) -> str:
    """Similarity of the conditions of `runs` to the paper's: `SAME`, `NEAR` or `OTHER`."""
    split = provenance["counts"]["split"]
    share = min(split[part] / number for part, number in PAPER_IMAGES.items())
    emnist = provenance["source"] in EMNIST_SOURCES
    if not emnist or share < NEARLY_ALL or cut_short(runs).any():
        return OTHER
    return NEAR if deviations(provenance, runs) else SAME


def cut_short(runs: pd.DataFrame) -> pd.Series:
    """Whether each run ended before the paper's did, and not by early stopping."""
    trained = runs["epochs_trained"]
    return (trained < PAPER_EPOCHS) & (trained == runs["epochs"])


def censored(runs: pd.DataFrame) -> list[str]:
    """Variants with a run that was cut short at or near its best, so that the best is unknown."""
    near_end = runs["best_epoch"] > (1 - LAST_PART) * runs["epochs_trained"]
    found = runs.index.get_level_values("variant")[cut_short(runs) & near_end]
    return list(found.unique())


def other_hardware(runs: pd.DataFrame) -> list[str]:
    """The devices of `runs` other than the paper's, on which runtimes do not compare."""
    return [name for name in sorted(set(runs["device"])) if PAPER_GPU not in name]


def readable(name: str) -> str:
    """`table_1` as `Table 1`, `figure_08` as `Figure 8`."""
    words = [word.lstrip("0") if word.isdigit() else word for word in name.split("_")]
    return " ".join(words).capitalize()


def _range(values: pd.Series) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low}" if low == high else f"{low} to {high}"
