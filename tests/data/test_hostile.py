"""Archives and arrays that are damaged or made to do harm: one message, and no memory spent."""

import contextlib
import gzip
import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convnets.config.settings import ArchiveSettings
from convnets.core.errors import UserError
from convnets.data.arrays import DAMAGE, LARGEST, read_arrays, read_idx
from convnets.data.emnist import read_archive
from emnist_archive import members, write_zip

UNDISTURBED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def header(shape: object, descr: str = "|u1") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}".encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


class _Run:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('code ran')",)


HOSTILE = {
    "objects": (header((1,), "|O") + pickle.dumps(_Run()), "contains object"),
    "strings": (header((1,), "<U4") + b"a" * 16, "contains <U4"),
    "fields": (header((1,), "|V8") + b"a" * 8, "contains"),
    "larger": (header((10**12,)) + b"a", "1 bytes, which"),
    "negative": (header((-1,)) + b"a", "1 bytes, which"),
    "smaller": (header((1,)) + b"aaa", "3 bytes, which"),
    "code": (header("__import__('os').getpid()"), "malformed"),
    "no header": (b"hello", "magic"),
    "empty": (b"", "magic"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_array(case: str, tmp_path: Path) -> None:
    content, message = HOSTILE[case]
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(DAMAGE, match=message):
        read_arrays(tmp_path / "a.npz", ["x"])


def test_an_array_that_claims_to_be_huge_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(5000, np.uint8))
    monkeypatch.setattr("convnets.data.arrays.LARGEST", 4000)
    with pytest.raises(ValueError, match=r"x\.npy unpacks to 5,128 bytes, expected at most 4,000"):
        read_arrays(tmp_path / "a.npz", ["x"])


def test_idx_that_unpacks_to_more_than_it_says() -> None:
    content = struct.pack(">4I", 2051, 1, 28, 28) + bytes(50_000_000)
    with pytest.raises(UserError, match="more bytes after the header, expected 784 for 1 x 28"):
        read_idx("it", gzip.compress(content, 1), 3)
    content = struct.pack(">4I", 2051, *(2**32 - 1,) * 3)
    with pytest.raises(UserError, match=f"expected at most {LARGEST:,}"):
        read_idx("it", gzip.compress(content), 3)


@UNDISTURBED
@given(position=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.booleans())
def test_a_changed_archive_is_read_or_named(
    position: float, byte: int, cut: bool, tmp_path: Path
) -> None:
    content = bytearray(write_zip(tmp_path / "a.zip", members()).read_bytes())
    place = int(position * len(content))
    content[place : None if cut else place + 1] = bytes([byte])
    (tmp_path / "b.zip").write_bytes(content)
    try:
        read_archive(ArchiveSettings(str(tmp_path / "b.zip")))
    except UserError as error:
        assert str(error).startswith(f"{tmp_path}/b.zip: ")


@UNDISTURBED
@given(position=st.floats(0, 1, exclude_max=True), part=st.binary(max_size=8))
def test_changed_arrays_are_read_or_damaged(position: float, part: bytes, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, x=np.arange(9), y=np.zeros((2, 3), np.float32))
    content = bytearray(buffer.getvalue())
    place = int(position * len(content))
    content[place : place + len(part)] = part
    (tmp_path / "a.npz").write_bytes(content)
    with contextlib.suppress(*DAMAGE):
        read_arrays(tmp_path / "a.npz", ["x", "y"])
