"""The download, against a server on this machine that misbehaves as real ones do."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from convnets.config.settings import NistSettings
from convnets.core.errors import UserError
from convnets.data import download
from convnets.data.download import fetch_archive

ARCHIVE = b"PK\x03\x04" + np.random.default_rng(0).bytes(300_000)
HALF = len(ARCHIVE) // 2


class Handler(BaseHTTPRequestHandler):
    """The first part of the path says how to behave."""

    requests: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.requests.append((self.path, wanted))
        attempt = [path for path, _ in self.requests].count(self.path)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        match self.path:
            case "/good":
                self.answer(ARCHIVE, start)
            case "/no_range":
                self.answer(ARCHIVE, 0)
            case "/breaks":  # The first answer ends half-way.
                self.answer(ARCHIVE, start, sent=HALF if attempt == 1 else None)
            case "/always_breaks":
                self.answer(ARCHIVE, start, sent=1000)
            case "/busy_once" if attempt > 1:
                self.answer(ARCHIVE, start)
            case "/busy_once":
                self.send_error(503)
            case "/wrong":
                self.answer(b"<!DOCTYPE html><p>This file has moved.", 0)
            case "/wrong_without_length":
                self.answer(b"<!DOCTYPE html><p>This file has moved.", 0, length=False)
            case "/long_without_length":
                self.answer(ARCHIVE + b"more", 0, length=False)
            case "/changed":
                self.answer(ARCHIVE[:-1] + b"?", start)
            case "/longer_range":
                self.answer(ARCHIVE + b"more", start)
            case _:
                self.send_error(404)

    def answer(
        self, content: bytes, start: int, sent: int | None = None, length: bool = True
    ) -> None:
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if length:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][:sent])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.requests.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as instance:
        thread = threading.Thread(target=instance.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{instance.server_port}"
        instance.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "shared" / "gzip.zip"


def part_of(target: Path) -> Path:
    return target.with_name("gzip.zip.part")


def fetch(server: str, target: Path, *paths: str, attempts: int = 3) -> bool:
    settings = NistSettings(
        urls=tuple(server + path for path in paths),
        path=str(target),
        size=len(ARCHIVE),
        sha256=hashlib.sha256(ARCHIVE).hexdigest(),
    )
    return fetch_archive(settings, pauses=(0.01,) * (attempts - 1))


def assert_complete(target: Path) -> None:
    assert target.read_bytes() == ARCHIVE
    assert not part_of(target).exists()


def test_a_finished_file_is_not_fetched_again(server: str, target: Path) -> None:
    assert fetch(server, target, "/good")
    assert_complete(target)
    assert not fetch(server, target, "/good")
    assert Handler.requests == [("/good", None)]


def test_a_wrong_finished_file_is_replaced(server: str, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"something else")
    assert fetch(server, target, "/good")
    assert_complete(target)


def test_a_broken_transfer_goes_on_where_it_stopped(server: str, target: Path) -> None:
    assert fetch(server, target, "/breaks")
    assert_complete(target)
    assert Handler.requests == [("/breaks", None), ("/breaks", f"bytes={HALF}-")]


def test_the_next_call_goes_on_from_the_partial_file(server: str, target: Path) -> None:
    with pytest.raises(UserError, match="the connection closed after 1000 of 300004 bytes"):
        fetch(server, target, "/always_breaks", attempts=1)
    assert part_of(target).read_bytes() == ARCHIVE[:1000]
    assert not target.exists()
    assert fetch(server, target, "/good")
    assert_complete(target)
    assert Handler.requests[-1] == ("/good", "bytes=1000-")


def test_a_partial_file_goes_when_the_archive_came_in_another_way(
    server: str, target: Path
) -> None:
    with pytest.raises(UserError):
        fetch(server, target, "/always_breaks", attempts=1)
    target.write_bytes(ARCHIVE)
    with download.waiting_lock(target.with_name("gzip.zip.lock")):
        assert not fetch(server, target, "/good")
        assert part_of(target).exists(), "its download goes on"
    assert not fetch(server, target, "/good")
    assert_complete(target)


def test_a_server_without_range_starts_again(server: str, target: Path) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(ARCHIVE[:1000])
    assert fetch(server, target, "/no_range")
    assert_complete(target)


def test_a_busy_server_is_asked_again(server: str, target: Path) -> None:
    assert fetch(server, target, "/busy_once")
    assert len(Handler.requests) == 2


@pytest.mark.parametrize(
    ("path", "requests", "found"),
    [
        ("/missing", 1, "HTTP status 404"),
        ("/wrong", 1, "an HTML or XML page of 38 bytes, expected the archive of 300004 bytes"),
        ("/wrong_without_length", 1, "an HTML or XML page, expected a zip file"),
        ("/long_without_length", 1, "more than the expected 300004 bytes"),
        ("/changed", 1, "SHA-256 [0-9a-f]{64}, expected"),
        ("/always_breaks", 3, "the connection closed after 3000 of 300004 bytes"),
    ],
)
def test_the_next_address_when_one_fails(
    server: str,
    target: Path,
    capsys: pytest.CaptureFixture[str],
    path: str,
    requests: int,
    found: str,
) -> None:
    with pytest.raises(UserError, match=found) as error:
        fetch(server, target, path)
    message = str(error.value)
    assert server + path in message
    assert "by hand" in message and "data.source" in message and str(target) in message
    assert len(Handler.requests) == requests
    assert not target.exists()
    assert fetch(server, target, path, "/good")
    assert_complete(target)
    assert server + path in capsys.readouterr().err


def test_a_wrong_partial_file_is_dropped_and_the_address_asked_again(
    server: str, target: Path
) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(b"?" * 1000)
    assert fetch(server, target, "/good")
    assert_complete(target)
    assert Handler.requests == [("/good", "bytes=1000-"), ("/good", None)]


def test_a_partial_file_outlives_an_address_with_another_file(server: str, target: Path) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(ARCHIVE[:1000])
    with pytest.raises(UserError, match="Content-Range 'bytes 1000-300007/300008', expected"):
        fetch(server, target, "/longer_range", "/missing")
    assert part_of(target).read_bytes() == ARCHIVE[:1000]


def test_no_server(target: Path, server: str) -> None:
    with pytest.raises(UserError, match=r"no answer .*refused"):
        fetch("http://127.0.0.1:9", target, "/good", attempts=2)
    with pytest.raises(UserError, match="not an address"):
        fetch("", target, "gzip.zip")


def test_two_at_once_fetch_one_file(server: str, target: Path) -> None:
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(fetch(server, target, "/breaks")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True]
    assert_complete(target)
    assert len(Handler.requests) == 2


def test_a_folder_that_cannot_be_made(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"cannot be written .* data\.nist\.path"):
        fetch(server, tmp_path / "file" / "gzip.zip", "/good")


def test_progress_says_percent_size_and_speed(
    server: str, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(server, target, "/good")
    last = capsys.readouterr().err.splitlines()[-1]
    assert "100%" in last and "300k/300k" in last and "B/s" in last
