"""Train a network of hand-written NumPy layers beside the same network in PyTorch.

Writes a CSV of the loss of each step and the test accuracy after each epoch, of both. NumPy takes
its threads from the environment, such as OPENBLAS_NUM_THREADS.
"""

import pandas as pd
import torch

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings, check_numbers, parse
from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.core.kinds import Positive, Seed
from convnets.data.dataset import load_dataset
from convnets.lesson.from_scratch import COLUMNS, train_twins


def main() -> None:
    parser = option_parser(__doc__, "data", "variant", output="the CSV file to write")
    text = "section `training` of the configuration: batch size, learning rate, weight decay"
    parser.add_argument("--training", default="{}", metavar="JSON", help=text)
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches (0)")
    parser.add_argument("--epochs", type=int, default=1, help="passes over the images (1)")
    arguments = parser.parse_args()
    check_numbers(arguments, epochs=Positive, seed=Seed)
    variant = parse(Variant, arguments.variant, "--variant")
    settings = parse(TrainingSettings, arguments.training, "--training")
    torch.set_num_threads(settings.threads)
    dataset = load_dataset(arguments.data)
    print(f"{variant.id}: {variant.parameters:,} parameters", flush=True)
    records = train_twins(variant, settings, dataset, arguments.seed, arguments.epochs)
    write_text(arguments.output, pd.DataFrame(records, columns=COLUMNS).to_csv(index=False))


if __name__ == "__main__":
    run_script(main)
