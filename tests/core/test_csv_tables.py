"""CSV tables: read, or refused with file, fault and remedy."""

import os
from pathlib import Path

import pandas as pd
import pytest

from convnets.core.errors import UserError
from convnets.core.tables import read_table

WRONG = [
    (b"", "is damaged (No columns to parse from file)"),
    (b"\xff\xfe\x00", "is damaged ("),
    (b"\0" * 50, "is damaged (it has no column"),
    (b"a,b\n1,2\n", "is damaged (it has no column 'name', expected name, value)"),
    (b"name,value\nx,y\n", "is damaged (column value has text, expected numbers)"),
    (b"name,value\nx,1e300\n", "is damaged (column value has numbers above 1e+18)"),
    (b"name,value\nx,inf\n", "is damaged (column value is empty in row 1)"),
    (b"name,value\n,1\n", "is damaged (column name is empty in row 1)"),
    (b"name,value\nx,1\nx,2\n", "is damaged (row 2 repeats the name of another)"),
    (b'name,value\n"x,1\n', "is damaged ("),
    (b"name,value\nx,1,2,3\n", "is damaged ("),
    (b"name,value\nx,1\ny,2", "is damaged (its last line has no line break: it was cut off)"),
    (b"name,value\nx,1\n", "is damaged (it has no row with name y)"),
    (b"name,value\nx,1\ny,2\nz,3\n", "is damaged (it has an unknown row with name z)"),
    (b"name,value\nx,1\nY,2\n", "is damaged (column name has 'Y', expected x, y, z, 1)"),
]


def read(path: Path, *names: str) -> list[object]:
    columns, rows = ("name", "value"), pd.DataFrame({"name": names})
    words = {"name": ("x", "y", "z", "1")}
    table = read_table(path, "make it again", columns, ("value",), columns, ("name",), words, rows)
    return table.to_numpy().tolist()


@pytest.mark.parametrize(("content", "message"), WRONG, ids=str)
def test_a_damaged_table(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UserError) as caught:
        read(tmp_path / "a.csv", "x", "y")
    assert str(caught.value).startswith(f"{tmp_path}/a.csv {message}")
    assert str(caught.value).endswith(": make it again")


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none.csv", tmp_path / "pipe"):
        with pytest.raises(UserError, match=f"{path} is missing, expected a CSV table: make it"):
            read(path)


def test_a_table_whose_names_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,value\n1,2\n")
    assert read(tmp_path / "a.csv", "1") == [["1", 2]]
