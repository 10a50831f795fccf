"""A small sweep of trained networks on random images, and its analyses, for tests/analyses."""

import runpy
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from analysis_fixture import GLYPHS, make_run
from convnets.analyses.study import Study
from convnets.architectures.images import CLASSES
from convnets.architectures.variant import Variant
from convnets.data.dataset import Dataset, save_dataset
from convnets.runs.metrics import collect
from convnets.training.network import build_network

SCRIPTS = Path(__file__).parents[1] / "scripts"
DENSE = Variant("fully_connected", "fully_connected", filters=4)
PLAIN = Variant("no_pooling", "no_pooling", filters=4)
MAX_2 = Variant("max_pool_2", "max_pool", filters=4)
MAX_3 = Variant("max_pool_3", "max_pool", pool_size=3, filters=4)


def sweep(folder: Path, variants: list[Variant], seeds: int = 1) -> Path:
    """The folder of a small sweep on random images: data, runs, checkpoints, metrics."""
    generator = np.random.default_rng(0)
    test = np.arange(100, 194)
    dataset = Dataset(
        generator.integers(0, 256, (200, 28, 28), np.uint8),
        np.arange(200, dtype=np.uint8) % len(CLASSES),
        {"train": np.arange(50), "validation": np.arange(50, 100), "test": test},
        GLYPHS
        | {"classes": CLASSES, "counts": {"split": {"train": 50, "validation": 50, "test": 94}}},
    )
    save_dataset(dataset, folder / "data")
    labels = dataset.labels[test]
    for variant in variants:
        for seed in range(seeds):
            run = make_run(folder / "runs", variant, [0.5, 0.7, 0.6], seed=seed, test_images=94)
            network = build_network(variant, seed)
            torch.save({"network": network.state_dict(), "epoch": 2}, run / "best.pt")
            wrong = generator.random(94) < 0.2
            prediction = np.where(wrong, (labels + 1) % len(CLASSES), labels).astype(np.uint8)
            np.savez(run / "predictions.npz", index=test, label=labels, prediction=prediction)
    metrics = collect(sorted((folder / "runs").glob("*/seed_*")))
    (folder / "metrics.csv").write_text(metrics.to_csv(index=False))
    return folder


def run_script(name: str, *arguments: str | Path) -> None:
    with mock.patch.object(sys, "argv", [name, *map(str, arguments)]):
        runpy.run_path(str(SCRIPTS / name), run_name="__main__")


def analyse(folder: Path, name: str, output: Path) -> None:
    runs = sorted((folder / "runs").glob("*/seed_*"))
    if name == "receptive_fields":
        measured = ["--data", folder / "data", "--runs", *runs, "--output"]
        run_script("measure_receptive_fields.py", *measured, folder / "analyses/gradients.npz")
    shared = ["--runs", *runs, "--metrics", folder / "metrics.csv"]
    shared += ["--provenance", folder / "data/provenance.json"]
    outputs = ["--table", output / f"{name}.csv", "--output", output / name]
    run_script("analyse.py", name, *shared, *outputs)


def study_of(folder: Path) -> Study:
    runs = sorted((folder / "runs").glob("*/seed_*"))
    return Study(runs, folder / "metrics.csv", folder / "data/provenance.json")
