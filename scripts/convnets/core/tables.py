"""CSV tables: written, and read and checked with one error message for every problem."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from convnets.core.errors import explain_damage
from convnets.core.files import write_text

Names = Collection[str]
Words = Mapping[str, Names]
MOST = 1e18
WORDS: dict[str, Any] = {"keep_default_na": False, "na_values": [""]}
"""Options of tables in which `none` and the like are words, and only empty cells are missing."""


def write_table(path: Path | str, table: pd.DataFrame) -> None:
    """Write computed numbers with eight digits: the last ones depend on the processor."""
    write_text(path, table.to_csv(index=False, float_format="%.8g"))


def read_table(
    path: Path,
    remedy: str,
    columns: Names,
    numbers: Names = (),
    filled: Names = (),
    unique: Names = (),
    words: Words | None = None,
    rows: pd.DataFrame | None = None,
    **options: Any,
) -> pd.DataFrame:
    """The table in a CSV file, which has at least these columns.

    The columns `numbers` contain numbers below `MOST`. The columns `filled` have no empty cells,
    and contain text unless they are `numbers`. No two rows have the same values in all columns
    `unique`. Cells in the columns `words` are empty or one of these words. The rows are those of
    `rows` in its columns. `options` are those of `pandas.read_csv`. Raises `UserError` if the file
    is missing or damaged; the message ends with the remedy.
    """
    with explain_damage(path, "a CSV table", remedy):
        types = {name: str for name in filled if name not in numbers}
        table = pd.read_csv(path, dtype=types | options.pop("dtype", {}), **options)
        if not isinstance(table.index, pd.RangeIndex):
            raise ValueError("its rows have more cells than columns")
        if missing := [name for name in columns if name not in table]:
            raise ValueError(f"it has no column {missing[0]!r}, expected {', '.join(columns)}")
        if words and not path.read_bytes().endswith(b"\n"):  # tables by hand may end without
            raise ValueError("its last line has no line break: it was cut off")
        _check_cells(table, numbers, filled, words or {})
        _check_rows(table, list(unique), rows)
    return table


def _check_cells(table: pd.DataFrame, numbers: Names, filled: Names, words: Words) -> None:
    for name in numbers:
        if not pd.api.types.is_numeric_dtype(table[name]) and len(table[name].dropna()):
            raise ValueError(f"column {name} has text, expected numbers")
        if (table[name].abs().replace(math.inf, 0) >= MOST).any():
            raise ValueError(f"column {name} has numbers above {MOST:.0e}")
    for name in filled:
        if len(gaps := table.index[table[name].isin([math.nan, math.inf, -math.inf])]):
            raise ValueError(f"column {name} is empty in row {gaps[0] + 1}")
    for name, known in words.items():
        if others := {*table[name].dropna()} - {*known}:
            found, expected = min(map(str, others)), ", ".join(known)
            raise ValueError(f"column {name} has {found!r}, expected {expected}")


def _check_rows(table: pd.DataFrame, unique: list[str], rows: pd.DataFrame | None) -> None:
    if unique and len(again := table.index[table.duplicated(unique)]):
        raise ValueError(f"row {again[0] + 1} repeats the {', '.join(unique)} of another")
    if rows is not None:
        found, expected = ({*part.itertuples(index=False)} for part in (table[[*rows]], rows))
        if others := found ^ expected:
            fault, names = "no" if others - found else "an unknown", ", ".join(map(str, rows))
            values = ", ".join(map(str, min(others - found or others, key=str)))
            raise ValueError(f"it has {fault} row with {names} {values}")
