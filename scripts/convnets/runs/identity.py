"""What makes a run the same run: variant, seed, settings, data and the arithmetic of training.

Nothing else does: not the wording of messages, not where a module is, not the version of Python.
So a finished run stays valid while the code around it changes, until `ARITHMETIC` is raised.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.runs.progress import last_epoch
from convnets.runs.run_folder import CHECKPOINT, HISTORY, RunFolder

ARITHMETIC = 1
"""Version of the arithmetic of training: initial weights, order of images, updates, validation.

Raise it with every change that gives a run other weights, whatever the plan (`hardware.Plan`);
`tests/runs/test_arithmetic.py` fails until then, and says how to record the new version's values.
"""
STOPPING = ("patience",)
"""Settings that decide when a run ends, not how it trains."""
EXECUTION = ("device", "threads")
"""Settings that decide how a run computes; a finished run does not depend on them any more."""


def identity(variant: Variant, seed: int, settings: TrainingSettings, data: str) -> dict[str, Any]:
    """All that decides how a run trains, as plain values; `data` is the digest of its images."""
    training = dataclasses.asdict(settings)
    return {
        "variant": json.loads(json.dumps(variant.specification())),
        "seed": seed,
        "training": {key: value for key, value in training.items() if key not in STOPPING},
        "data": data,
        "arithmetic": ARITHMETIC,
    }


def changes(
    folder: RunFolder,
    variant: Variant,
    seed: int,
    settings: TrainingSettings,
    epochs: int,
    data: str | None,
) -> list[str]:
    """How a finished run differs from the one that is asked for; empty for the same run.

    `data` is the digest of the prepared images; without one, the data are not compared.
    """
    record, recorded = folder.record, recorded_identity(folder)
    wanted = identity(variant, seed, settings, data or recorded["data"])
    for key in EXECUTION:
        wanted["training"].pop(key)
    found = list(differences(recorded, wanted))
    missing = [name for name in (HISTORY, CHECKPOINT) if not (folder.path / name).is_file()]
    found += [f"{name}: missing" for name in missing]
    if HISTORY not in missing:
        trained = len(folder.history)
        accuracies = [row["val_accuracy"] for row in folder.history]
        end = last_epoch(accuracies, epochs, settings.patience)
        if end != trained:
            patience = record["training"].get("patience")
            before, now = (
                f"at most {most} with patience {wait}" if wait else str(most)
                for most, wait in ((record["epochs"], patience), (epochs, settings.patience))
            )
            found.append(f"epochs: {before}, of which {trained} were trained -> {now}")
    return found


def recorded_identity(folder: RunFolder) -> dict[str, Any]:
    """The identity of a finished run, without `EXECUTION`."""
    record = folder.record
    recorded = identity(
        folder.variant, record["seed"], folder.settings, record.get("data", {}).get("digest")
    )
    recorded["arithmetic"] = record.get("arithmetic", 1)
    for key in EXECUTION:
        recorded["training"].pop(key)
    return recorded


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Each key, dotted where nested, whose value differs, as `key: old -> new`."""
    before, after = dict(_flat(old)), dict(_flat(new))
    for key in before | after:
        values = [side.get(key, "not there") for side in (before, after)]
        if values[0] != values[1]:
            yield f"{key}: {values[0]} -> {values[1]}"


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
