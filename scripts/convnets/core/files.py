"""Files that are either complete or not there: temporary file, flush, fsync, rename."""

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from convnets.core.errors import explain_no_room

ROOT = Path(__file__).resolve().parents[3]
"""The folder of the project."""


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[IO[bytes]]:
    """Open a binary file that appears at `path` only when the block ends without an error.

    The temporary file is beside the target, so that the rename stays on one file system; those
    that killed processes left of the same target are removed. A full disk is a `UserError`; what
    was at `path` is then still there.
    """
    path = Path(path)
    with explain_no_room(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_temporaries(path.parent, glob.escape(path.name))
        descriptor, temporary = _locked_temporary(path)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                temporary.chmod(0o666 & ~_umask())
                temporary.replace(path)  # still locked: nobody takes it for stale before
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def remove_temporaries(folder: Path, name: str = "*") -> None:
    """Remove what killed processes left of `atomic_write` in `folder`, of files called `name`.

    A living process keeps its temporary file locked. On a disk without file locks all stay.
    """
    for temporary in folder.glob(f".{name}.*.tmp"):
        with contextlib.suppress(OSError), open(temporary, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.unlink()


def _locked_temporary(path: Path) -> tuple[int, Path]:
    """Create a temporary file for `path`, locked: its descriptor and name."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        with contextlib.suppress(OSError):  # there are no file locks on this disk
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)  # another process removed the file before it was locked


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


PROVENANCE = "provenance.json"
"""Name of the file that says where prepared data come from."""


def file_digest(path: Path | str, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def share_lock(path: Path) -> tuple[IO[str], bool]:
    """Hold a lock that many processes can share, and find out whether this one is alone.

    Returns the open file, which holds the lock until it is closed or the process ends, and whether
    no other process held the lock. On a disk without file locks no process is ever alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except OSError:
        alone = False
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_SH)
    return file, alone


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
