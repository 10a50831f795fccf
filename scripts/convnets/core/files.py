"""Atomic writes, after which every file is complete or missing, and locks of folders."""

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from convnets.core import records
from convnets.core.errors import NO_ROOM, UserError, no_room

ROOT = Path(__file__).resolve().parents[3]
"""The folder of the project."""
PROVENANCE = "provenance.json"
"""Name of the file that describes the origin of prepared data."""
LOCK = ".lock"
"""Name of the file that a process locks while it works in a folder."""


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[IO[bytes]]:
    """Open a binary file that appears at `path` only when the block ends without an error.

    The temporary file is in the same folder, so that the rename stays on one file system; those of
    killed processes for the same path are removed. A full disk raises `UserError`, and leaves an
    earlier file at `path` intact.
    """
    path = Path(path)
    try:
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
    except OSError as error:
        if error.errno in NO_ROOM:
            raise UserError(no_room(path, error)) from error
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


@contextlib.contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Lock `folder`, which is created if needed, for this process alone.

    The kernel releases the lock when the process ends, however it ends, so there are no stale
    locks. Raises `UserError` if another process has locked the folder, or it is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("a")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"writable")
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "started": records.now()}
        (folder / LOCK).write_text(json.dumps(holder))
    except BlockingIOError:
        raise UserError(
            f"{folder} is in use by {_describe_holder(folder / LOCK)}: only one process can work "
            "in it. Let the other one finish, or end it, then give the same command again"
        ) from None
    except OSError as error:
        raise UserError(
            f"{folder} cannot be used for a run: {error.strerror or error}. Choose a folder that "
            "can be written to, on a file system with room and file locks"
        ) from error
    with lock:
        yield


def share_lock(path: Path) -> tuple[IO[str], bool]:
    """Take a lock that processes can share, and report whether this process is the only one.

    The lock is released when the returned file is closed or the process ends. On a disk without
    file locks, no process is the only one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file, alone = path.open("a"), False
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_SH)
    return file, alone


def _describe_holder(path: Path) -> str:
    try:
        return "process {pid} on {host}, started {started}".format(**json.loads(path.read_text()))
    except (OSError, ValueError, KeyError):  # read between locking and writing
        return "another process"
