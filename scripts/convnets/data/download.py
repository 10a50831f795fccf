"""The download of one large file from several addresses: resumed, retried, checked, atomic.

pooch also checks and retries, but it does not resume, has only one address per file, and does not
lock the file against other processes.
"""

import contextlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from tqdm import tqdm

from convnets.config.settings import NistSettings
from convnets.core.errors import UserError
from convnets.core.files import file_digest
from convnets.data.source import ZIP_START, describe_content

PAUSES = (1.0, 3.0, 9.0, 27.0)
"""Pauses in seconds between attempts at the same address."""
TIMEOUT = 30.0
"""Seconds without a response after which an attempt fails."""
CHUNK = 1 << 20


class _FailedError(Exception):
    """An attempt failed; `temporary` if another one at the same address can succeed."""

    def __init__(self, message: str, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary


def fetch_archive(nist: NistSettings, pauses: tuple[float, ...] = PAUSES) -> bool:
    """Download the official archive to `nist.path`. Returns False if it was there before.

    The file is called `<path>.part` until its size and SHA-256 are correct. After an interruption,
    the next call continues that file. `<path>.lock` excludes other processes. Raises `UserError`
    if no address has the file.
    """
    path = Path(nist.path)
    part, lock = (path.with_name(path.name + ending) for ending in (".part", ".lock"))
    try:
        if _is_archive(path, nist):  # Without the lock, as the folder may be read-only.
            if part.exists():  # The user copied the archive; a download may still be running.
                with contextlib.suppress(OSError), FileLock(lock, 0, fallback_to_soft=False):
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
            f"{path}: cannot be written ({error}). Make room, or set data.nist.path to a writable "
            "folder."
        ) from error


def _is_archive(path: Path, nist: NistSettings) -> bool:
    return path.is_file() and path.stat().st_size == nist.size and file_digest(path) == nist.sha256


def waiting_lock(path: Path) -> contextlib.AbstractContextManager[Any]:
    """Wait for the lock file `path`; the block that follows holds it for this process alone."""
    lock = FileLock(path, fallback_to_soft=False)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        print("another process is fetching the same file; waiting for it", file=sys.stderr)
        return lock.acquire()


def _fetch_from_any(nist: NistSettings, part: Path, pauses: tuple[float, ...]) -> None:
    """Complete and check `part`, with growing pauses between attempts at the same address."""
    failures = []
    for url in nist.urls:
        for pause in (*pauses, None):
            try:
                _fetch(url, part, nist)
                return
            except _FailedError as error:
                if pause is None or not error.temporary:
                    failures.append(f"{url}: {error}")
                    print(failures[-1], file=sys.stderr)
                    break
                print(f"{url}: {error}; next attempt in {pause:g} s", file=sys.stderr)
                time.sleep(pause)
    raise UserError(
        f"no address has the official archive ({nist.size} bytes, SHA-256 {nist.sha256}):\n  "
        + "\n  ".join(failures)
        + f"\nDownload it by hand to {nist.path}, add an address to data.nist.urls, or set "
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
        # After a resumed transfer, only the bytes of an earlier attempt may have been wrong.
        raise _FailedError(f"SHA-256 {digest}, expected {nist.sha256}", temporary=resumed)


def _transfer(url: str, part: Path, have: int, size: int) -> bool:
    """Append the bytes from `have` to `size` to `part`; False if the transfer started again."""
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
                    file.truncate(0)  # All of it belongs to another file.
                    raise _FailedError(f"more than the expected {size} bytes", temporary=False)
                file.write(chunk)
                bar.update(len(chunk))
            file.flush()
            os.fsync(file.fileno())
    if done < size:
        raise _FailedError(f"the connection closed after {done} of {size} bytes", temporary=True)
    return resumed


def _open(url: str, start: int) -> http.client.HTTPResponse:
    """The response to a request for the bytes from `start` on."""
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
        raise _FailedError(f"no answer ({error})", not url.startswith("file:")) from error


def _check_headers(response: http.client.HTTPResponse, start: int, size: int) -> None:
    """Raise `_FailedError` if the headers are those of another file."""
    if response.status == http.client.PARTIAL_CONTENT:
        found = response.headers.get("Content-Range", "")
        if found != f"bytes {start}-{size - 1}/{size}":
            raise _FailedError(f"Content-Range {found!r}, expected a file of {size} bytes", False)
    elif int(length := response.headers.get("Content-Length", size)) != size:
        kind = describe_content(response.read(256))
        raise _FailedError(f"{kind} of {length} bytes, expected the archive of {size} bytes", False)


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _FailedError(f"the connection broke ({error})", temporary=True) from error
