"""Run scripts/train.py up to its first training step, to see how long that takes."""

from unittest import mock

import train
from convnets.core.errors import run_script

if __name__ == "__main__":
    with mock.patch("train.TrainingRun.train", side_effect=SystemExit):
        run_script(train.main)
