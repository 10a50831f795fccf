"""Fetch one large file from a list of addresses: resumed, retried, checked, never half there.

pooch checks and retries, but starts again from the first byte, takes one address, and does
not keep two processes apart; hence this module.
"""

import contextlib
import fcntl
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from convnets.config.settings import NistSettings
from convnets.core.errors import UserError
from convnets.core.files import file_digest
from convnets.data.source import ZIP_START, describe_content

PAUSES = (1.0, 3.0, 9.0, 27.0)
"""Seconds to wait before each new attempt at the same address."""
TIMEOUT = 30.0
"""Seconds without an answer or a byte after which an attempt has failed."""
CHUNK = 1 << 20


class _UnavailableError(Exception):
    """This attempt failed; the next one at the same address may succeed."""


class _UnusableError(Exception):
    """This address will not give the file, however often it is asked."""


def fetch_archive(nist: NistSettings, pauses: tuple[float, ...] = PAUSES) -> bool:
    """Bring the official archive to `nist.path`; False when the right file was there already.

    Until size and SHA-256 are right the file is called `<path>.part`; that is kept when the
    transfer breaks, and the next call goes on from it. `<path>.lock` keeps processes apart.
    Raises `UserError` when no address gave the file.
    """
    path = Path(nist.path)
    try:
        if _is_archive(path, nist):  # First without the lock: the folder may be read-only.
            _remove_part(path)
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        with waiting_lock(path.with_name(path.name + ".lock")):
            if _is_archive(path, nist):
                return False
            _fetch_from_any(nist, path, pauses)
            return True
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error}). Make room or set data.nist.path to a folder "
            "that you may write to."
        ) from error


def _remove_part(path: Path) -> None:
    """Remove what is left of a download whose file came in another way, unless it goes on."""
    part = path.with_name(path.name + ".part")
    if part.exists():
        with contextlib.suppress(OSError), open(path.with_name(path.name + ".lock"), "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink(missing_ok=True)


def _fetch_from_any(nist: NistSettings, path: Path, pauses: tuple[float, ...]) -> None:
    part = path.with_name(path.name + ".part")
    failures = []
    for url in nist.urls:
        try:
            _fetch_from(url, part, nist, pauses)
        except (_UnavailableError, _UnusableError) as error:
            failures.append(f"  {url}: {error}")
            _say(failures[-1].strip())
        else:
            part.replace(path)
            return
    raise UserError(
        f"no address gave the official archive ({nist.size} bytes, SHA-256 {nist.sha256}):\n"
        + "\n".join(failures)
        + f"\nFetch it by hand and put it at {path}, add an address to data.nist.urls, or set "
        "data.source to archive (a local zip) or glyphs (no file needed)."
    )


def _fetch_from(url: str, part: Path, nist: NistSettings, pauses: tuple[float, ...]) -> None:
    """Complete and check `part` from one address, with growing waits between attempts."""
    for pause in (*pauses, None):
        try:
            resumed = _transfer(url, part, nist.size)
            digest = file_digest(part)
            if digest == nist.sha256:
                return
            part.unlink()
            message = f"SHA-256 {digest}, expected {nist.sha256}"
            # Perhaps only what an earlier call had left was wrong.
            raise (_UnavailableError if resumed else _UnusableError)(message)
        except _UnavailableError as error:
            if pause is None:
                raise
            _say(f"{url}: {error}; next attempt in {pause:g} s")
            time.sleep(pause)


def _transfer(url: str, part: Path, size: int) -> bool:
    """Bring `part` to `size` bytes; whether it had some of them before."""
    if part.exists() and part.stat().st_size > size:
        part.unlink()
    have = part.stat().st_size if part.exists() else 0
    if have == size:
        return True
    with _open(url, have) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        _check_answer(response, have if resumed else 0, size)
        progress = _Progress(size, have if resumed else 0)
        with open(part, "ab" if resumed else "wb") as file:
            _copy(response, file, progress)
            file.flush()
            os.fsync(file.fileno())
    if progress.done < size:
        raise _UnavailableError(f"the connection closed after {progress.done} of {size} bytes")
    return resumed


def _open(url: str, start: int) -> http.client.HTTPResponse:
    """The answer to a request for the bytes from `start` on."""
    headers = {"User-Agent": "convnets"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        request = urllib.request.Request(url, headers=headers)
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        busy = error.code >= 500 or error.code in (408, 425, 429)
        raise (_UnavailableError if busy else _UnusableError)(
            f"HTTP status {error.code}"
        ) from error
    except ValueError as error:
        raise _UnusableError(f"not an address ({error})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _UnavailableError(f"no answer ({error})") from error


def _check_answer(response: http.client.HTTPResponse, start: int, size: int) -> None:
    """Raise `_UnusableError` when the headers already tell that this is another file."""
    if response.status == http.client.PARTIAL_CONTENT:
        content_range = response.headers.get("Content-Range", "")
        if content_range != f"bytes {start}-{size - 1}/{size}":
            raise _UnusableError(
                f"Content-Range {content_range!r}, expected a file of {size} bytes"
            )
        return
    length = response.headers.get("Content-Length")
    if length is not None and int(length) != size:
        kind = describe_content(response.read(256))
        raise _UnusableError(f"{kind} of {length} bytes, expected the archive of {size} bytes")


def _copy(response: http.client.HTTPResponse, file: BinaryIO, progress: "_Progress") -> None:
    while True:
        try:
            chunk = response.read(CHUNK)
        except http.client.IncompleteRead as error:
            chunk = error.partial
        except (OSError, http.client.HTTPException) as error:
            raise _UnavailableError(f"the connection broke ({error})") from error
        if not chunk:
            return
        if progress.done == 0 and not chunk.startswith(ZIP_START):
            raise _UnusableError(f"{describe_content(chunk)}, expected a zip file")
        if progress.done + len(chunk) > progress.size:
            file.truncate(0)  # All of it is of some other file: nothing to go on from.
            raise _UnusableError(f"more than the expected {progress.size} bytes")
        file.write(chunk)
        progress.add(len(chunk))


def _is_archive(path: Path, nist: NistSettings) -> bool:
    return path.is_file() and path.stat().st_size == nist.size and file_digest(path) == nist.sha256


@contextlib.contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold `path` for this process alone. The file stays: to remove it would be a race."""
    with open(path, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process is fetching the same file; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass
class _Progress:
    """Percent, speed and time left on stderr."""

    size: int
    done: int
    started: float = field(default_factory=time.monotonic)
    reported: float = field(default_factory=time.monotonic)
    fresh: int = 0

    def add(self, count: int) -> None:
        self.done += count
        self.fresh += count
        now = time.monotonic()
        terminal = sys.stderr.isatty()
        if now - self.reported < (0.2 if terminal else 5.0) and self.done < self.size:
            return
        self.reported = now
        speed = self.fresh / max(now - self.started, 1e-9)
        line = (
            f"{100 * self.done / self.size:5.1f} % of {self.size / 1e6:.0f} MB, "
            f"{speed / 1e6:.1f} MB/s, {(self.size - self.done) / speed:.0f} s left"
        )
        if terminal:
            print(f"\r{line}  ", end="" if self.done < self.size else "\n", file=sys.stderr)
        else:
            _say(line)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
