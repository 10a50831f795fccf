"""IDX, the file format of MNIST and EMNIST: a magic number, the sizes, then the bytes."""

import gzip
import io
import math
import struct

import numpy as np

from convnets.core.errors import UserError
from convnets.data.arrays import DAMAGE, check_size

IMAGES_MAGIC = 2051
"""Unsigned bytes in three dimensions."""
LABELS_MAGIC = 2049
"""Unsigned bytes in one dimension."""
_DIMENSIONS = {IMAGES_MAGIC: 3, LABELS_MAGIC: 1}


def read_idx(name: str, compressed: bytes, magic: int) -> np.ndarray:
    """The uint8 array in the gzip'd IDX file `name` with this content.

    Raises `UserError` when the file is damaged or not the kind that `magic` names.
    """
    dimensions = _DIMENSIONS[magic]
    header = 4 + 4 * dimensions
    try:
        with gzip.open(io.BytesIO(compressed)) as file:
            start = file.read(header)
            if len(start) < header:
                raise UserError(f"{name}: {len(start)} bytes, expected an IDX header of {header}")
            found, *shape = struct.unpack(f">{1 + dimensions}I", start)
            if found != magic:
                raise UserError(f"{name}: IDX magic number {found}, expected {magic}")
            expected = math.prod(shape)
            check_size(expected, name)
            content = file.read(expected + 1)
    except DAMAGE as error:
        raise UserError(f"{name}: truncated or damaged gzip file ({error})") from error
    if len(content) != expected:
        found = f"{len(content)} bytes" if len(content) < expected else "more bytes"
        sizes = " x ".join(map(str, shape))
        raise UserError(f"{name}: {found} after the header, expected {expected} for {sizes}")
    return np.frombuffer(content, np.uint8).reshape(shape)
