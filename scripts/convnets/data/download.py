"""Fetch one large file from a list of addresses: resumed, retried, checked, never half there.

pooch checks and retries, but starts again from the first byte, takes one address, and does
not keep two processes apart; hence this module.
"""

import contextlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from convnets.config.settings import NistSettings
from convnets.core.errors import UserError
from convnets.core.files import file_digest
from convnets.data.source import ZIP_START, describe_content

PAUSES = (1.0, 3.0, 9.0, 27.0)
"""Seconds to wait before each new attempt at the same address."""
TIMEOUT = 30.0
"""Seconds without an answer or a byte after which an attempt has failed."""
CHUNK = 1 << 20


class _FailedError(Exception):
    """An attempt failed; `temporary` if the next one at the same address may succeed."""

    def __init__(self, message: str, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary


def fetch_archive(nist: NistSettings, pauses: tuple[float, ...] = PAUSES) -> bool:
    """Download the official archive to `nist.path`; False if it was there already.

    Until size and SHA-256 are correct the file is called `<path>.part`. An interrupted transfer
    leaves that file, and the next call continues it. `<path>.lock` keeps processes apart. Raises
    `UserError` if no address gave the file.
    """
    path = Path(nist.path)
    part, lock = (path.with_name(path.name + ending) for ending in (".part", ".lock"))
    try:
        if _is_archive(path, nist):  # First without the lock: the folder may be read-only.
            if part.exists():  # The archive came in another way; perhaps a download still runs.
                with (
                    contextlib.suppress(OSError),
                    FileLock(lock, timeout=0, fallback_to_soft=False),
                ):
                    part.unlink()
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        with waiting_lock(lock):
            if _is_archive(path, nist):
                return False
            _fetch_from_any(nist, part, pauses)
            part.replace(path)
            return True
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error}). Make room or set data.nist.path to a folder "
            "that you may write to."
        ) from error


def _is_archive(path: Path, nist: NistSettings) -> bool:
    return path.is_file() and path.stat().st_size == nist.size and file_digest(path) == nist.sha256


@contextlib.contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path` for this process alone, once no other process holds it."""
    lock = FileLock(path, fallback_to_soft=False)
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        _say("another process is fetching the same file; waiting for it")
        held = lock.acquire()
    with held:
        yield


def _fetch_from_any(nist: NistSettings, part: Path, pauses: tuple[float, ...]) -> None:
    """Complete and check `part`, with growing waits between attempts at the same address."""
    failures = []
    for url in nist.urls:
        for pause in (*pauses, None):
            try:
                _fetch(url, part, nist)
                return
            except _FailedError as error:
                if pause is None or not error.temporary:
                    failures.append(f"{url}: {error}")
                    _say(failures[-1])
                    break
                _say(f"{url}: {error}; next attempt in {pause:g} s")
                time.sleep(pause)
    raise UserError(
        f"no address gave the official archive ({nist.size} bytes, SHA-256 {nist.sha256}):\n  "
        + "\n  ".join(failures)
        + f"\nFetch it by hand and put it at {nist.path}, add an address to data.nist.urls, or set "
        "data.source to archive (a local zip) or glyphs (no file needed)."
    )


def _fetch(url: str, part: Path, nist: NistSettings) -> None:
    """Complete and check `part` in one attempt."""
    if part.exists() and part.stat().st_size > nist.size:
        part.unlink()
    have = part.stat().st_size if part.exists() else 0
    resumed = have == nist.size or _transfer(url, part, have, nist.size)
    digest = file_digest(part)
    if digest != nist.sha256:
        part.unlink()
        # After a resumed transfer, perhaps only the bytes of an earlier attempt were wrong.
        raise _FailedError(f"SHA-256 {digest}, expected {nist.sha256}", temporary=resumed)


def _transfer(url: str, part: Path, have: int, size: int) -> bool:
    """Add to the `have` bytes of `part` those up to `size`; False if it had to start again."""
    with _open(url, have) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        done = have if resumed else 0
        _check_headers(response, done, size)
        seconds = 0.1 if sys.stderr.isatty() else 5.0
        with (
            open(part, "ab" if resumed else "wb") as file,
            tqdm(total=size, initial=done, unit="B", unit_scale=True, mininterval=seconds) as bar,
        ):
            while chunk := _read(response):
                if done == 0 and not chunk.startswith(ZIP_START):
                    raise _FailedError(f"{describe_content(chunk)}, expected a zip file", False)
                done += len(chunk)
                if done > size:
                    file.truncate(0)  # All of it is of some other file: nothing to go on from.
                    raise _FailedError(f"more than the expected {size} bytes", temporary=False)
                file.write(chunk)
                bar.update(len(chunk))
            file.flush()
            os.fsync(file.fileno())
    if done < size:
        raise _FailedError(f"the connection closed after {done} of {size} bytes", temporary=True)
    return resumed


def _open(url: str, start: int) -> http.client.HTTPResponse:
    """The answer to a request for the bytes from `start` on."""
    headers = {"User-Agent": "convnets"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        request = urllib.request.Request(url, headers=headers)
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        busy = error.code >= 500 or error.code in (408, 425, 429)
        raise _FailedError(f"HTTP status {error.code}", busy) from error
    except ValueError as error:
        raise _FailedError(f"not an address ({error})", temporary=False) from error
    except (OSError, http.client.HTTPException) as error:
        raise _FailedError(f"no answer ({error})", temporary=True) from error


def _check_headers(response: http.client.HTTPResponse, start: int, size: int) -> None:
    """Raise `_FailedError` if the headers already show that this is another file."""
    if response.status == http.client.PARTIAL_CONTENT:
        found = response.headers.get("Content-Range", "")
        if found != f"bytes {start}-{size - 1}/{size}":
            raise _FailedError(f"Content-Range {found!r}, expected a file of {size} bytes", False)
        return
    length = response.headers.get("Content-Length")
    if length is not None and int(length) != size:
        kind = describe_content(response.read(256))
        raise _FailedError(f"{kind} of {length} bytes, expected the archive of {size} bytes", False)


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(CHUNK)
    except http.client.IncompleteRead as error:
        return error.partial
    except (OSError, http.client.HTTPException) as error:
        raise _FailedError(f"the connection broke ({error})", temporary=True) from error


def _say(message: str) -> None:
    tqdm.write(message, file=sys.stderr)
