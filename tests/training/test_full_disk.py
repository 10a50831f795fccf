"""A disk without room, pretended and real: a message, the state intact, and on from there."""

import contextlib
import errno
import functools
import itertools
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from convnets.core.errors import UserError
from real_runs import (
    SCRIPTS,
    Undisturbed,
    count_intact_states,
    finals,
    run_forked,
    start,
    train_here,
    training_arguments,
)


class FullDisk:
    """Lets `room` writes, fsyncs and renames succeed, and no later one."""

    def __init__(self, room: int, reason: int) -> None:
        self.room, self.reason, self.refused = room, reason, False

    def use(self) -> None:
        self.room -= 1
        if self.room < 0:
            self.refused = True
            raise OSError(self.reason, os.strerror(self.reason))

    def counted(self, system_call: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            self.use()
            return system_call(*arguments, **keywords)

        return call

    def fdopen(self, descriptor: int, mode: str) -> "FileOnFullDisk":
        return FileOnFullDisk(self, open(descriptor, mode))


class FileOnFullDisk(contextlib.AbstractContextManager["FileOnFullDisk"]):
    """A file of which a refused write leaves the first half."""

    def __init__(self, disk: FullDisk, file: IO[bytes]) -> None:
        self.disk, self.file = disk, file
        self.flush, self.fileno = file.flush, file.fileno

    def write(self, content: bytes) -> int:
        try:
            self.disk.use()
        except OSError:
            self.file.write(content[: len(content) // 2])
            raise
        return self.file.write(content)

    def __exit__(self, *error: object) -> None:
        self.file.close()


def full_disks() -> Iterator[FullDisk]:
    reasons = itertools.cycle((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
    for room, reason in zip(itertools.count(), reasons, strict=False):
        yield FullDisk(room, reason)


def test_a_full_disk_at_each_write_in_turn(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(data, tmp_path / "undisturbed", epochs=2)
    expected = finals(tmp_path / "undisturbed")
    for disk in full_disks():
        run = tmp_path / str(disk.room)
        failed = None
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdopen", disk.fdopen)
            patch.setattr(os, "fsync", disk.counted(os.fsync))
            patch.setattr(os, "replace", disk.counted(os.replace))
            try:
                train_here(data, run, epochs=2)
            except UserError as error:
                failed = str(error)
        assert (failed is not None) == disk.refused
        states = count_intact_states(run)
        if failed is None:
            break
        assert states >= (run / "history.csv").exists()  # the first write follows the first state
        assert str(run) in failed
        assert os.strerror(disk.reason) in failed
        assert "make room" in failed
        train_here(data, run, epochs=2)
        assert finals(run) == expected
    assert int(run.name) > 20  # two states and tables in training, four files at the end


def limit_file_size(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_the_kernel_refuses_a_larger_file(
    data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    run, log = tmp_path / "run", tmp_path / "train.log"
    train_here(data, run, epochs=1)
    (run / "run.json").unlink()  # a finished run is left alone
    before = (run / "state.1.pt").read_bytes()
    arguments = training_arguments(data, run)
    status, output = run_forked(arguments, log, functools.partial(limit_file_size, 9_000))
    assert status == 1
    assert "state.0.pt could not be written: File too large" in output
    assert count_intact_states(run) == 1
    assert (run / "state.1.pt").read_bytes() == before
    assert run_forked(arguments, log)[0] == 0
    assert finals(run).items() <= undisturbed().items()


def can_mount() -> bool:
    mount = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"]
    with contextlib.suppress(OSError):
        return subprocess.run(mount, capture_output=True, check=False).returncode == 0
    return False


needs_small_disk = pytest.mark.skipif(not can_mount(), reason="no permission to mount a small disk")


@needs_small_disk
@pytest.mark.parametrize(("size", "file"), [("64k", "images.npy"), ("188k", "split.npz")])
def test_a_small_disk_is_full_while_data_are_prepared(tmp_path: Path, size: str, file: str) -> None:
    settings = {
        "source": "glyphs",
        "glyphs": {"train": 188, "test": 47},
        "split": {"train": 141, "validation": 47, "test": 47},
    }
    command = [sys.executable, str(SCRIPTS / "prepare_data.py"), "--settings", json.dumps(settings)]
    steps = f"""
        mount -t tmpfs -o size={size} none {tmp_path}
        "$@"; echo "status $?"; ls -A {tmp_path}/data
    """
    shell = ["unshare", "--map-root-user", "--mount", "sh", "-c", steps, "sh", *command]
    shell += ["--output", str(tmp_path / "data")]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    message = f"error: {tmp_path}/data/{file} could not be written: No space left on device. "
    assert done.stderr.startswith(message)
    assert "make room" in done.stderr
    assert done.stderr.count("\n") == 1, "a message, no traceback"
    files = ["images.npy", "labels.npy", "split.npz"]
    assert done.stdout.split() == ["status", "1", *files[: files.index(file)]]


@needs_small_disk
def test_a_small_disk_is_full(data: Path, tmp_path: Path, undisturbed: Undisturbed) -> None:
    run, kept = tmp_path / "run", tmp_path / "kept"
    run.mkdir()
    command = [sys.executable, str(SCRIPTS / "train.py"), *training_arguments(data, run)[1:]]
    steps = f"""
        mount -t tmpfs -o size=160k none {run}
        "$@"; echo "status $?"; ls -A {run}
        mount -o remount,size=1m {run}
        "$@" && cp -r {run} {kept}
    """
    shell = ["unshare", "--map-root-user", "--mount", "sh", "-c", steps, "sh", *command]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert re.search(r"state.\d.pt could not be written: No space left on device", done.stderr)
    first, second = re.split(r"^\S+ small,", done.stdout, flags=re.MULTILINE)[1:]
    assert "status 1\n.lock\nhistory.csv\nprogress.json\nstate.0.pt\n" in first
    assert re.search(r"^resumed after epoch \d, from ", second, flags=re.MULTILINE), done.stderr
    assert finals(kept).items() <= undisturbed().items()


def test_a_log_on_a_full_disk(data: Path, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        arguments = training_arguments(data, tmp_path)
        process = start(arguments, stdout=full, stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert errors.startswith("error: a file or the output of this program could not be written: No")
