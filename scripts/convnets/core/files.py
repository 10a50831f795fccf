"""Atomic writes: temporary file, flush, fsync, rename; so every file is complete or missing."""

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from convnets.core.errors import explain_no_room

ROOT = Path(__file__).resolve().parents[3]
"""The folder of the project."""
PROVENANCE = "provenance.json"
"""Name of the file that describes the origin of prepared data."""


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[IO[bytes]]:
    """Open a binary file that appears at `path` only when the block ends without an error.

    The temporary file is in the same folder, so that the rename stays on one file system; those of
    killed processes for the same path are removed. A full disk raises `UserError`, and leaves an
    earlier file at `path` intact.
    """
    path = Path(path)
    with explain_no_room(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_temporaries(path.parent, glob.escape(path.name))
        with _locked_temporary(path) as file:
            temporary = Path(file.name)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(path)  # still locked, so no process removes it as stale
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


def remove_temporaries(folder: Path, name: str = "*") -> None:
    """Remove the temporary files of killed processes in `folder`, for files of this `name`.

    A living process locks its temporary file. On a disk without file locks none is removed.
    """
    for temporary in folder.glob(f".{name}.*.tmp"):
        with contextlib.suppress(OSError), open(temporary, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.unlink()


def _locked_temporary(path: Path) -> IO[bytes]:
    """A new, locked temporary file for `path`."""
    while True:
        file = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp").open("xb")
        with contextlib.suppress(OSError):  # there are no file locks on this disk
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # another process removed the file before it was locked


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def file_digest(path: Path | str, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
