"""IDX, the file format of MNIST and EMNIST: a magic number, the sizes, then the bytes."""

import gzip
import struct
import zlib

import numpy as np

from convnets.core.errors import UserError

IMAGES_MAGIC = 2051
"""Unsigned bytes in three dimensions."""
LABELS_MAGIC = 2049
"""Unsigned bytes in one dimension."""
_DIMENSIONS = {IMAGES_MAGIC: 3, LABELS_MAGIC: 1}


def read_idx(name: str, compressed: bytes, magic: int) -> np.ndarray:
    """The uint8 array in the gzip'd IDX file `name` with this content.

    Raises `UserError` when the file is damaged or not the kind that `magic` names.
    """
    try:
        content = gzip.decompress(compressed)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{name}: truncated or damaged gzip file ({error})") from error
    dimensions = _DIMENSIONS[magic]
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise UserError(f"{name}: {len(content)} bytes, expected an IDX header of {header} bytes")
    found, *shape = struct.unpack(f">{1 + dimensions}I", content[:header])
    if found != magic:
        raise UserError(f"{name}: IDX magic number {found}, expected {magic}")
    expected = header + int(np.prod(shape, dtype=object))
    if len(content) != expected:
        raise UserError(
            f"{name}: {len(content)} bytes, expected {expected} for its sizes "
            f"{' x '.join(str(length) for length in shape)}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
