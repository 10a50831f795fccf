"""One process at a time in the folder of a run."""

import contextlib
import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from convnets.core import records
from convnets.core.errors import UserError

LOCK = ".lock"


@contextlib.contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold `folder`, which is made where needed, for this process alone.

    The kernel keeps the lock and gives it up when the process ends, however that happens:
    there are no stale ones, and the file that stays behind means nothing by itself.

    Raises:
        UserError: another process holds it (the message says which), or the folder cannot be
            written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("a")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"writable")
        (folder / LOCK).write_text(json.dumps(_holder()))
    except BlockingIOError:
        raise UserError(
            f"{folder} is in use by {_describe_holder(folder / LOCK)}: two processes would spoil "
            "each other's work. Let it finish, or end it, then give the same command again"
        ) from None
    except OSError as error:
        raise UserError(
            f"{folder} cannot be used for a run: {error.strerror or error}. Choose a folder that "
            "can be written to, on a file system with room and file locks"
        ) from error
    with lock:
        yield


def _holder() -> dict[str, str | int]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "started": records.now()}


def _describe_holder(path: Path) -> str:
    try:
        return "process {pid} on {host}, started {started}".format(**json.loads(path.read_text()))
    except (OSError, ValueError, KeyError):  # caught between locking and writing
        return "another process"
