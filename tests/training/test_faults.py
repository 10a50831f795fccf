"""What goes wrong around a training, caused on purpose: a message, the state intact, and on."""

import functools
import itertools
import json
import os
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

from convnets.core import records
from convnets.core.errors import UserError, explain_no_memory
from convnets.training.checkpoints import read_state
from real_runs import (
    CPU,
    Undisturbed,
    call,
    count_intact_states,
    finals,
    fork,
    run_forked,
    save_every,
    train_here,
    training_arguments,
    wait,
)


@pytest.mark.parametrize("place", ["/proc/run", "file/run", "file"])
def test_a_folder_that_cannot_be_is_said_before_anything_else(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("a regular file")
    with pytest.raises(UserError, match=r"cannot be used for a run: .*\. Choose a folder"):
        train_here(tmp_path / "no data", tmp_path / place)


def test_a_folder_that_cannot_be_on_the_command_line(data: Path) -> None:
    status, output = call(training_arguments(data, Path("/proc/run")))
    assert status == 1
    assert output.startswith("error: /proc/run cannot be used for a run: No such file")
    assert output.count("\n") == 1


def test_a_damaged_state_on_the_command_line(
    data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    run, log = tmp_path / "run", tmp_path / "train.log"
    arguments = training_arguments(data, run)
    fork_interrupted(arguments, log, run, epochs=2)
    older, newest = sorted(run.glob("state.*.pt"), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(newest.read_bytes()[:-100])
    shutil.copytree(run, tmp_path / "both")
    status, output = run_forked(arguments, log)
    assert status == 0
    assert f"warning: {newest} is damaged" in output
    both = tmp_path / "both"
    position = read_state(both / older.name, CPU).position
    assert f"resumed {position}, from {older}" in output
    assert finals(run).items() <= undisturbed().items()
    (both / older.name).write_bytes(b"")
    status, output = call(training_arguments(data, both))
    assert status == 1
    assert f"delete state.0.pt and state.1.pt in {both} to start over" in output
    assert not (both / "run.json").exists()


def fork_interrupted(arguments: list[str], log: Path, run: Path, epochs: int) -> None:
    """Train, saving after each step, and interrupt amid the epoch that follows `epochs`."""
    process = fork(arguments, log, functools.partial(save_every, 0))
    history = run / "history.csv"
    while not history.exists() or len(history.read_text().splitlines()) <= epochs:
        time.sleep(0.002)
        assert process.is_alive()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGTERM)
    assert wait(process) == 75


def test_other_settings_are_refused_on_the_command_line(
    data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    run, log = tmp_path / "run", tmp_path / "train.log"
    fork_interrupted(training_arguments(data, run), log, run, epochs=1)
    before = sorted(path.read_bytes() for path in run.glob("state.*.pt"))
    status, output = run_forked(training_arguments(data, run, learning_rate=0.5), log)
    assert status == 1
    assert "training.learning_rate: 0.01 -> 0.5" in output
    assert "Restore them to continue, or delete state.0.pt and state.1.pt" in output
    assert sorted(path.read_bytes() for path in run.glob("state.*.pt")) == before
    assert run_forked(training_arguments(data, run), log)[0] == 0
    assert finals(run).items() <= undisturbed().items()
    finished = {path: path.read_bytes() for path in run.iterdir()}
    status, output = run_forked(training_arguments(data, run, learning_rate=0.5), log)
    assert status == 1
    assert "contains a finished run with other settings, which stays as it is" in output
    assert "training.learning_rate: 0.01 -> 0.5" in output
    assert "another --output, or delete" in output
    for name in (".lock", "progress.json"):  # they describe the last attempt
        (run / name).write_bytes(finished[run / name])
    assert {path: path.read_bytes() for path in run.iterdir()} == finished
    (run / "run.json").unlink()
    status, output = run_forked(training_arguments(data, run, learning_rate=0.5), log)
    assert status == 0
    assert "had other settings: starting over\n  training.learning_rate: 0.01 -> 0.5" in output
    assert finals(run)["network"] != undisturbed()["network"]


def test_what_a_killed_writer_left_is_removed(data: Path, tmp_path: Path) -> None:
    left = [tmp_path / name for name in (".state.1.pt.abc.tmp", ".best.pt.x_y.tmp")]
    for path in left:
        path.write_bytes(b"half")
    train_here(data, tmp_path, epochs=1)
    assert count_intact_states(tmp_path) == 1


def test_a_second_process_for_the_same_run_is_refused(
    data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    run, log = tmp_path / "run", tmp_path / "train.log"
    first = fork(training_arguments(data, run, epochs=100_000), log)
    while "epoch   1/" not in (log.read_text() if log.exists() else ""):
        time.sleep(0.01)
    status, output = call(training_arguments(data, run))
    assert status == 1
    holder = json.loads((run / ".lock").read_text())
    assert holder["pid"] == first.pid
    assert f"{run} is in use by process {first.pid} on {holder['host']}, started 20" in output
    assert first.is_alive()
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    wait(first)
    shutil.rmtree(run)  # more epochs than asked for
    assert run_forked(training_arguments(data, run), log)[0] == 0
    assert finals(run).items() <= undisturbed().items()


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_a_diverging_training(data: Path, tmp_path: Path, precision: str) -> None:
    run, log = tmp_path / "run", tmp_path / "train.log"
    wild = {"optimizer": "sgd", "learning_rate": 1e25, "precision": precision}
    status, output = run_forked(training_arguments(data, run, **wild), log)
    assert status == 1
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "the training diverged" in line
    assert "of epoch 1. No state was saved before" in line
    assert "lower training.learning_rate (now 1e+25)" in line
    assert count_intact_states(run) == 0


def limit_memory(more: int) -> None:
    """Let this process have `more` bytes in addition to what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def test_out_of_memory(data: Path, tmp_path: Path, undisturbed: Undisturbed) -> None:
    run, log = tmp_path / "run", tmp_path / "train.log"
    fork_interrupted(training_arguments(data, run), log, run, epochs=1)
    before = sorted(path.read_bytes() for path in run.glob("state.*.pt"))
    wide = training_arguments(data, tmp_path / "wide", batch_size=376, filters=512)
    status, output = run_forked(wide, log, functools.partial(limit_memory, 300_000_000))
    assert status == 1
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert " bytes more were asked for): run fewer runs side by side" in line
    assert "lower training.batch_size (376)" in line
    arguments = training_arguments(data, run)
    status, output = run_forked(arguments, log, functools.partial(limit_memory, 1_000_000))
    # Seldom, compiled code that cannot report the lack of memory aborts first.
    assert status == -signal.SIGABRT or (status == 1 and "error: out of memory" in output)
    assert sorted(path.read_bytes() for path in run.glob("state.*.pt")) == before
    assert run_forked(arguments, log)[0] == 0
    assert finals(run).items() <= undisturbed().items()


@pytest.mark.parametrize(
    ("error", "amount"),
    [
        (
            torch.OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of "
                "79.11 GiB of which 12.00 MiB is free."
            ),
            "20.00 MiB more were asked for",
        ),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't "
                "allocate memory: you tried to allocate 4000000000000 bytes. Error code 12"
            ),
            "4000000000000 bytes more were asked for",
        ),
        (MemoryError("Unable to allocate 7.45 GiB for an array"), "7.45 GiB more were asked for"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), "CUBLAS_STATUS"),
        (MemoryError(), "no amount is known"),
    ],
)
def test_out_of_memory_says_how_much_was_asked_for(error: Exception, amount: str) -> None:
    pattern = r"^out of memory \(.*\): use less$"
    with pytest.raises(UserError, match=pattern) as caught, explain_no_memory("use less"):
        raise error
    assert amount in str(caught.value)


def test_another_error_is_not_taken_for_a_lack_of_memory() -> None:
    with pytest.raises(RuntimeError, match=r"^shapes differ$"), explain_no_memory(""):
        raise RuntimeError("shapes differ")


def test_a_clock_that_is_set_back(
    data: Path, tmp_path: Path, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(10**9, -3600)
    monkeypatch.setattr(time, "time", lambda: next(clock))
    monkeypatch.setattr(records, "now", lambda: f"{next(clock)}")
    train_here(data, tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["finished"] < record["started"]
    assert 0 < record["train_seconds"] < 100
    seconds = [float(row.split(",")[-1]) for row in history_rows(tmp_path)]
    assert min(seconds) > 0
    assert finals(tmp_path).items() <= undisturbed().items()


def history_rows(run: Path) -> list[str]:
    return (run / "history.csv").read_text().splitlines()[1:]
