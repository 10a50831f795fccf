"""The identity of a run: variant, seed, settings, data and the arithmetic of training.

Messages, the places of modules and the version of Python do not belong to it. So a finished run
stays valid while the code around it changes, until `ARITHMETIC` is raised.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.runs.progress import last_epoch
from convnets.runs.run_folder import CHECKPOINT, HISTORY, RunFolder

ARITHMETIC = 1
"""Version of the arithmetic of training: initial weights, order of images, updates, validation.

Raise it with every change that gives a run other weights under the same plan (`hardware.Plan`).
`tests/runs/test_arithmetic.py` fails until then, and explains how to record the new values.
"""
UNTRAINED = ("patience",)
"""Settings that decide when a run ends, not how it trains."""
FINISHED = (*UNTRAINED, "device", "threads")
"""Settings on which a finished run no longer depends: the last ones decide how a run computes."""


def identity(
    variant: Variant,
    seed: int,
    settings: TrainingSettings,
    data: str,
    ignored: Sequence[str] = UNTRAINED,
) -> dict[str, Any]:
    """The identity of a run on the data with this digest, as plain values without `ignored`."""
    training = dataclasses.asdict(settings)
    return {
        "variant": json.loads(json.dumps(variant.specification())),
        "seed": seed,
        "training": {key: value for key, value in training.items() if key not in ignored},
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
    """The differences between a finished run and the requested one, of the data only if given."""
    record, recorded = folder.record, recorded_identity(folder)
    wanted = identity(variant, seed, settings, data or recorded["data"], FINISHED)
    found = list(differences(recorded, wanted))
    missing = [name for name in (HISTORY, CHECKPOINT) if not (folder.path / name).is_file()]
    found += [f"{name}: missing" for name in missing]
    if HISTORY not in missing:
        trained = len(folder.history)
        accuracies = [row["val_accuracy"] for row in folder.history]
        if last_epoch(accuracies, epochs, settings.patience) != trained:
            patience = record["training"].get("patience")
            before, now = (
                f"at most {most} with patience {wait}" if wait else str(most)
                for most, wait in ((record["epochs"], patience), (epochs, settings.patience))
            )
            found.append(f"epochs: {before}, of which {trained} were trained -> {now}")
    return found


def recorded_identity(folder: RunFolder) -> dict[str, Any]:
    """The identity of a finished run."""
    record = folder.record
    data = record.get("data", {}).get("digest")
    recorded = identity(folder.variant, record["seed"], folder.settings, data, FINISHED)
    return recorded | {"arithmetic": record.get("arithmetic", 1)}


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
