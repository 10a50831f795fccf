"""Arrays of numbers in files that others made: bounded in size, and never code."""

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

LARGEST = 1 << 31
"""Bytes that an array in a file may have; EMNIST's images as float64 have 0.8e9."""
DAMAGE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, SyntaxError),
    *(OverflowError, RecursionError, zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
"""What zipfile, gzip and NumPy raise on damaged and hostile files. One changed byte of a zip can
ask for a password (RuntimeError), an unknown compression (its subclass) or an impossible place."""


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """The arrays `names` of an npz file. Raises one of `DAMAGE` unless they are plain numbers."""
    with zipfile.ZipFile(path) as archive:
        return {name: _read_array(archive, name) for name in names}


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """The content of a member. Raises `ValueError` if it is too large, without reading it."""
    check_size(archive.getinfo(name).file_size, name)
    return archive.read(name)


def check_size(size: int, what: str) -> None:
    """Raise `ValueError` if `what` is larger than any array of this project."""
    if size > LARGEST:
        raise ValueError(f"{what} unpacks to {size:,} bytes, expected at most {LARGEST:,}")


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    content = read_member(archive, f"{name}.npy")
    header = np.lib.format
    with archive.open(f"{name}.npy") as file:
        version = header.read_magic(file)
        read = header.read_array_header_1_0 if version == (1, 0) else header.read_array_header_2_0
        shape, by_column, dtype = read(file)
        start = file.tell()
    if dtype.kind not in "buif":
        raise ValueError(f"{name} holds {dtype}, expected numbers")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError(f"{name} has {len(content) - start} bytes, which {shape} contradicts")
    return np.frombuffer(content, dtype, offset=start).reshape(
        shape, order="F" if by_column else "C"
    )
