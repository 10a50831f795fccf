"""CSV tables, read and checked, with one error message for every problem."""

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from convnets.core.errors import UserError

MOST = 1e18
WORDS: dict[str, Any] = {"keep_default_na": False, "na_values": [""]}
"""Options of tables in which `none` and the like are words, and only empty cells are missing."""


def read_table(
    path: Path,
    remedy: str,
    columns: Sequence[str],
    numbers: Collection[str] = (),
    filled: Sequence[str] = (),
    unique: Sequence[str] = (),
    **options: Any,
) -> pd.DataFrame:
    """The table in a CSV file, which has at least these columns.

    The columns `numbers` contain numbers below `MOST`. The columns `filled` have no empty cells,
    and contain text unless they are `numbers`. No two rows have the same values in all columns
    `unique`. `options` are those of `pandas.read_csv`.

    Raises:
        UserError: the file is missing or damaged; the message ends with the remedy.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing, expected a CSV table: {remedy}")
    try:
        types = {name: str for name in filled if name not in numbers}
        table = pd.read_csv(path, dtype=types | options.pop("dtype", {}), **options)
        if not isinstance(table.index, pd.RangeIndex):
            raise ValueError("its rows have more cells than columns")
        if missing := [name for name in columns if name not in table]:
            expected = ", ".join(columns)
            raise ValueError(f"it has no column {missing[0]!r}, expected {expected}")
        for name in numbers:
            if not pd.api.types.is_numeric_dtype(table[name]) and len(table[name].dropna()):
                raise ValueError(f"column {name} has text, expected numbers")
            if (table[name].abs().replace(math.inf, 0) >= MOST).any():
                raise ValueError(f"column {name} has numbers above {MOST:.0e}")
        for name in filled:
            if len(gaps := table.index[table[name].isin([math.nan, math.inf, -math.inf])]):
                raise ValueError(f"column {name} is empty in row {gaps[0] + 1}")
        if unique and len(again := table.index[table.duplicated(list(unique))]):
            raise ValueError(f"row {again[0] + 1} repeats the {', '.join(unique)} of another")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): {remedy}") from None
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is damaged ({reason}): {remedy}") from None
    return table
