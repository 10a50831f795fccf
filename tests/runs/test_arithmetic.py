"""Trained values change if and only if the version of the arithmetic changes.

Small networks of each kind are trained for a few steps and compared with committed values. They
are trained without the instructions that differ between processors, so the values hold on any. To
record a new version, after raising `convnets.runs.identity.ARITHMETIC`:

    PYTHONPATH=scripts python tests/runs/test_arithmetic.py
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from convnets.runs.identity import ARITHMETIC

RECORDED = Path(__file__).parents[1] / "fixtures" / "arithmetic.json"
PORTABLE = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "PYTHONPATH": str(Path(__file__).parents[2] / "scripts"),
}
VARIANTS = {
    "fully_connected": {"filters": 6},
    "no_pooling": {"filters": 3},
    "stride": {"filters": 3, "bias": True},
    "dilation": {"filters": 3},
    "max_pool": {"filters": 4},
    "avg_pool": {"filters": 4, "head": "flattened"},
    "max_avg_pool": {"filters": 4, "pool_size": [2, 2, 3, 3]},
    "mix_pool": {"filters": 4},
}
TOLERANCE = 1e-5
"""Relative: sums in another order differ by less, an Adam of other constants by more."""


def train_all() -> dict[str, list[float]]:
    """Losses of the first epoch's steps, validation, and size of the weights, by variant."""
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from convnets.architectures.variant import Variant  # noqa: PLC0415
    from convnets.config.settings import TrainingSettings  # noqa: PLC0415
    from convnets.training.hardware import Plan, prepare  # noqa: PLC0415
    from convnets.training.trainer import Trainer  # noqa: PLC0415

    plan = Plan("cpu", "float32", channels_last=False, cuda_graph=False)
    prepare(plan, threads=1)
    torch.backends.mkldnn.enabled = False
    generator = np.random.default_rng(0)
    images = torch.from_numpy(generator.integers(0, 256, (130, 28, 28), dtype=np.uint8))
    labels = torch.from_numpy(generator.integers(0, 47, 130))
    values = {}
    for method, keys in VARIANTS.items():
        for optimizer in ("adam", "sgd"):
            settings = TrainingSettings(batch_size=12, optimizer=optimizer, learning_rate=0.01)
            variant = Variant(id=method, method=method, **keys)
            trainer = Trainer(variant, settings, 3, plan, (images[:100], labels[:100]))
            trainer.begin_epoch(2)
            for step in range(len(trainer.batches)):
                trainer.train_step(step)
            weights = [tensor.double().abs().mean() for tensor in trainer.network.parameters()]
            values[f"{method}, {optimizer}"] = [
                *trainer.losses.tolist(),
                *trainer.training_result(),
                *trainer.validate((images[100:], labels[100:])),
                torch.stack(weights).mean().item(),
            ]
    return values


def portable_values() -> dict[str, list[float]]:
    """The same, computed in a process without special instructions."""
    command = [sys.executable, __file__, "--print"]
    done = subprocess.run(
        command, env=os.environ | PORTABLE, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def same(first: dict[str, list[float]], second: dict[str, list[float]]) -> bool:
    return first.keys() == second.keys() and all(
        first[name] == pytest.approx(second[name], rel=TOLERANCE) for name in first
    )


def test_trained_values_change_if_and_only_if_the_version_does() -> None:
    recorded = json.loads(RECORDED.read_text())
    values = portable_values()
    assert str(ARITHMETIC) in recorded, "record the values of the new version: see this file's head"
    assert same(values, recorded[str(ARITHMETIC)]), (
        "training gives other values: raise ARITHMETIC in convnets/runs/identity.py, or finished "
        "runs would be taken for runs of this code"
    )
    others = [version for version in recorded if version != str(ARITHMETIC)]
    unchanged = [version for version in others if same(values, recorded[version])]
    assert not unchanged, f"training gives the values of version {unchanged[0]}: use its number"


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(json.dumps(train_all()))
    else:
        recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
        RECORDED.write_text(json.dumps(recorded | {str(ARITHMETIC): portable_values()}) + "\n")
