"""Kernel locks on run directories and on Snakemake."""

import contextlib
import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from convnets.core import records
from convnets.core.errors import UserError

LOCK = ".lock"


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
