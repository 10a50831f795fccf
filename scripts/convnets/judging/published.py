"""The numbers of the paper's Tables 1 to 5, as data."""

from pathlib import Path

import numpy as np
import pandas as pd

from convnets.core.files import ROOT
from convnets.core.tables import read_table
from convnets.judging.estimates import ACCURACY

REFERENCE = "no_pooling"
"""The variant whose epoch is the unit of all runtimes, ours and the paper's."""
RESTORE = "restore the file of the repository"
COLUMNS = ("table", "row", "variant_id", "num_filters", "metric", "value", "unit")
DEFAULT_FILTERS = "64"
"""Number of filters unless a row says otherwise (paper, Section 4)."""
STEP = {ACCURACY: 0.001, "best_epoch": 0.0, "epoch_seconds": 1.0, "seconds_to_best": 1.0}
"""Unit of the last published digit; a best epoch is a whole number by nature."""


def read_published(path: Path = ROOT / "config/published_values.csv") -> pd.DataFrame:
    """The published values, one row each.

    Columns `table` (number), `row` (text), `variant` (id of our variant), `num_filters`
    (text), `metric`, `value` and `unit`.
    """
    published = read_table(path, RESTORE, COLUMNS, numbers=("table", "value"), filled=COLUMNS)
    filters = published["num_filters"]
    suffix = ("_f" + filters).where(filters != DEFAULT_FILTERS, "")
    published["variant"] = published.pop("variant_id") + suffix
    return published


def distinct_numbers(published: pd.DataFrame) -> dict[str, pd.Series]:
    """Every published number once: by metric, then by variant."""
    rows = published.drop_duplicates(["variant", "metric"]).set_index("variant")
    return {str(name): rows["value"][rows["metric"] == name] for name in rows["metric"].unique()}


def rounding(quantity: str, numbers: np.ndarray) -> np.ndarray:
    """Largest error of published `numbers` from rounding: of accuracies, else of logarithms."""
    return np.full(numbers.shape, STEP[quantity] / 2) / (1 if quantity == ACCURACY else numbers)
