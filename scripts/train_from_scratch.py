"""Train a network of hand-written NumPy layers beside the same network in PyTorch.

Writes a CSV of the loss of each step and the test accuracy after each epoch, of both.
"""

import argparse
from pathlib import Path

import pandas as pd
import torch

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings, check_numbers, parse
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.core.kinds import Positive, Seed
from convnets.data.dataset import load_dataset
from convnets.lesson.from_scratch import train_twins, twins


def main() -> None:
    arguments = parse_arguments()
    check_numbers(arguments, epochs=Positive, seed=Seed)
    variant = parse(Variant, arguments.variant, "--variant")
    settings = parse(TrainingSettings, arguments.training, "--training")
    torch.set_num_threads(settings.threads)
    learners = twins(variant, settings, arguments.seed)
    dataset = load_dataset(arguments.data)
    print(f"{variant.id}: {variant.parameters:,} parameters", flush=True)
    records = train_twins(learners, dataset, settings, arguments.seed, arguments.epochs, print)
    write_text(arguments.output, pd.DataFrame(records).to_csv(index=False))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Example: train_from_scratch.py --data results/demo/data --output from_scratch.csv "
        """--variant '{"id": "small", "method": "max_pool", "num_layers": 2, """
        """"filters": [8, 16], "head": "flattened", "bias": true}'""",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that prepare_data wrote")
    parser.add_argument(
        "--variant", required=True, metavar="JSON", help="the architecture, as in config.yaml"
    )
    parser.add_argument(
        "--training", default="{}", metavar="JSON",
        help="the section `training` of the configuration: batch size, learning rate, weight "
        "decay and PyTorch's threads; products are float32 (NumPy takes its threads from the "
        "environment, such as OPENBLAS_NUM_THREADS)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches (0)")
    parser.add_argument("--epochs", type=int, default=1, help="passes over the images (1)")
    parser.add_argument("--output", type=Path, required=True, metavar="CSV", help="file to write")
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
