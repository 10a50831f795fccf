"""Train a network of hand-written NumPy layers beside the same network in PyTorch.

Writes a CSV of the loss of each step and the test accuracy after each epoch, of both. NumPy takes
its threads from the environment, such as OPENBLAS_NUM_THREADS.
"""

import pandas as pd
import torch

from convnets.config.settings import check_numbers
from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.core.kinds import Positive
from convnets.data.dataset import load_dataset
from convnets.lesson.from_scratch import COLUMNS, train_twins


def main() -> None:
    parser = option_parser(__doc__, "data", output="the CSV file to write")
    parser.add_argument("--batch-size", type=int, default=100, help="images per step (100)")
    parser.add_argument("--epochs", type=int, default=2, help="passes over the images (2)")
    arguments = parser.parse_args()
    check_numbers(arguments, epochs=Positive, batch_size=Positive)
    torch.set_num_threads(1)
    records = train_twins(load_dataset(arguments.data), arguments.batch_size, arguments.epochs)
    write_text(arguments.output, pd.DataFrame(records, columns=COLUMNS).to_csv(index=False))


if __name__ == "__main__":
    run_script(main)
