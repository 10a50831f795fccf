"""Arrays of numbers from untrusted npz and IDX files: of bounded size, and never code."""

import gzip
import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from convnets.core.errors import UserError

LARGEST = 1 << 31
"""Largest size of an array in bytes; EMNIST's images as float64 have 0.8e9."""
UNSIGNED_BYTES = 0x0800
"""Magic number of an IDX file of bytes, minus the number of dimensions."""
DAMAGE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, SyntaxError),
    *(OverflowError, RecursionError, zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
"""Exceptions of zipfile, gzip and NumPy for damaged and hostile files. A changed byte of a zip can
require a password (RuntimeError), an unknown compression (its subclass) or an impossible offset."""


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """The arrays `names` of an npz file. Raises one of `DAMAGE` unless they are plain numbers."""
    with zipfile.ZipFile(path) as archive:
        return {name: _as_array(read_member(archive, f"{name}.npy"), name) for name in names}


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """The content of a member. Raises `ValueError`, without reading it, if it is too large."""
    _check_size(archive.getinfo(name).file_size, name)
    return archive.read(name)


def _as_array(content: bytes, name: str) -> np.ndarray:
    """The array in the content of an npy file."""
    file, npy = io.BytesIO(content), np.lib.format
    old = npy.read_magic(file) == (1, 0)
    read_header = npy.read_array_header_1_0 if old else npy.read_array_header_2_0
    shape, by_column, dtype = read_header(file)
    start = file.tell()
    if dtype.kind not in "buif":
        raise ValueError(f"{name} contains {dtype}, expected numbers")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError(f"{name} has {len(content) - start} bytes, which {shape} contradicts")
    array = np.frombuffer(content, dtype, offset=start)
    return array.reshape(shape, order="F" if by_column else "C")


def read_idx(name: str, compressed: bytes, dimensions: int) -> np.ndarray:
    """The uint8 array in a gzip-compressed IDX file: magic number, sizes, bytes.

    Raises `UserError` if the file is damaged or has another number of `dimensions`.
    """
    magic = UNSIGNED_BYTES + dimensions
    try:
        with gzip.open(io.BytesIO(compressed)) as file:
            found, *shape = struct.unpack(f">{1 + dimensions}I", file.read(4 + 4 * dimensions))
            if found != magic:
                raise UserError(f"{name}: IDX magic number {found}, expected {magic}")
            expected = math.prod(shape)
            _check_size(expected, name)
            content = file.read(expected + 1)
    except (*DAMAGE, struct.error) as error:
        raise UserError(f"{name}: truncated or damaged gzip file ({error})") from error
    if len(content) != expected:
        found = f"{len(content)} bytes" if len(content) < expected else "more bytes"
        sizes = " x ".join(map(str, shape))
        raise UserError(f"{name}: {found} after the header, expected {expected} for {sizes}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _check_size(size: int, what: str) -> None:
    if size > LARGEST:
        raise ValueError(f"{what} unpacks to {size:,} bytes, expected at most {LARGEST:,}")
