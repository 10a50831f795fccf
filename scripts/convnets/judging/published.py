"""The numbers of the paper's Tables 1 to 5, as data."""

from pathlib import Path

import pandas as pd

from convnets.core.files import ROOT
from convnets.core.tables import read_table

RESTORE = "restore the file of the repository"
COLUMNS = ("table", "row", "variant_id", "num_filters", "metric", "value", "unit")
DEFAULT_FILTERS = "64"
"""Number of filters unless a row says otherwise (paper, Section 4)."""


def read_published(path: Path = ROOT / "config/published_values.csv") -> pd.DataFrame:
    """The published values, one row each.

    Columns `table` (number), `row` (text), `variant` (id of our variant), `num_filters`
    (text), `metric`, `value` and `unit`.
    """
    published = read_table(
        path,
        RESTORE,
        columns=COLUMNS,
        numbers=("table", "value"),
        filled=COLUMNS,
    )
    suffix = ("_f" + published["num_filters"]).where(
        published["num_filters"] != DEFAULT_FILTERS, ""
    )
    published["variant"] = published.pop("variant_id") + suffix
    return published


def distinct_numbers(published: pd.DataFrame) -> dict[str, pd.Series]:
    """Every published number once: by metric, then by variant."""
    rows = published.drop_duplicates(["variant", "metric"]).set_index("variant")
    return {str(name): rows["value"][rows["metric"] == name] for name in rows["metric"].unique()}
