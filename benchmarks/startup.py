"""Time from the start of a run to its first step: imports, data, network."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.workers import SEED, random_images
from convnets.architectures.images import CLASSES
from convnets.architectures.variant import Variant
from convnets.config.settings import SplitSettings, TrainingSettings, to_json
from convnets.data.dataset import Dataset, save_dataset


def startup_seconds(
    variant: Variant, settings: TrainingSettings, folder: Path, repeats: int
) -> list[float]:
    """Seconds from the start of train.py to its first step, beyond those to import torch.

    Both processes are timed in turn. `folder` holds the data (`write_data`).
    """
    python = [sys.executable, "-c", "import torch"]
    run = [sys.executable, "-m", "benchmarks.first_step", f"--data={folder}"]
    run += [f"--variant={to_json(variant.specification())}", f"--training={to_json(settings)}"]
    run += ["--epochs=1", f"--seed={SEED}", f"--output={folder / 'run'}"]
    pairs = [(_seconds(python), _seconds(run)) for _ in range(1 + repeats)]
    return [whole - torch_alone for torch_alone, whole in pairs[1:]]  # the first fills caches


def write_data(folder: Path, split: SplitSettings) -> int:
    """Leave random images in `folder` as prepare_data.py would; return how many."""
    counts = {"train": split.train, "validation": split.validation, "test": split.test}
    images, labels = random_images(sum(counts.values()))
    parts, start = {}, 0
    for part, number in counts.items():
        parts[part] = np.arange(start, start + number)
        start += number
    provenance = {"display_name": "Random images", "official": False, "classes": CLASSES}
    provenance |= {"source": "npz", "counts": {"split": counts}}
    save_dataset(Dataset(images, labels, parts, provenance), folder)
    return len(labels)


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
