"""How runs stand: made-up folders in every state, progress, and the expected end."""

import dataclasses
import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

import status as script
from convnets.core.errors import Interrupted, UserError
from convnets.core.files import LOCK, run_lock
from convnets.runs import status
from convnets.runs.progress import PROGRESS, Progress, ProgressFile, read_progress
from convnets.runs.status import QUIET_SECONDS, read_sweep
from convnets.training.checkpoints import NAMES
from convnets.training.trainer import SAVE_SECONDS
from sweep_folders import (
    ATTEMPT,
    HERE,
    OLD,
    holder,
    made_up,
    only,
    progress,
    row,
    write_plan,
    write_run,
)


def test_the_constants_are_those_of_the_modules_that_need_pytorch() -> None:
    assert (LOCK, PROGRESS, *NAMES) == status.SIGNS
    assert QUIET_SECONDS >= 5 * SAVE_SECONDS


def ended(state: str, reason: str) -> dict[str, str]:
    return ATTEMPT | {"progress.json": progress(0.5, 0.6, state=state, reason=reason)}


# State, explanation, files and their age; the runs are on another machine.
STATES: dict[str, tuple[str, str, dict[str, str], float]] = {
    "done": ("done", "", ATTEMPT | {"run.json": "{}"}, 0),
    "running": ("running", "", ATTEMPT, 0),
    "a killed process": ("interrupted", "ended without a message on elsewhere, last", ATTEMPT, OLD),
    "a signal": (
        "interrupted",
        "interrupted by SIGTERM after epoch 2, saved in x",
        ended("interrupted", "interrupted by SIGTERM after epoch 2, saved in x"),
        0,
    ),
    "an error": ("failed", "error: no room", ended("failed", "error: no room"), OLD),
    "nothing yet": ("waiting", "", {}, 0),
    "a job that has not read its arguments": ("waiting", "", {"train.log": ""}, 0),
    "a job that waits for a GPU": (
        "waiting",
        "waiting for a place on a GPU: all 2 are taken",
        ended("waiting", "waiting for a place on a GPU: all 2 are taken"),
        OLD,
    ),
    "a finished run whose record was deleted": ("waiting", "", ended("done", ""), 0),
}


@pytest.mark.parametrize("name", STATES)
def test_each_state(tmp_path: Path, name: str) -> None:
    state, reason, files, age = STATES[name]
    write_run(tmp_path, files, age=age)
    run = only(tmp_path)
    assert run.state == state
    assert run.reason == reason or (reason and run.reason.startswith(reason))
    assert read_sweep(tmp_path).counts == {each: int(each == state) for each in status.STATES}


def test_here_the_kernel_tells_at_once_that_a_process_is_gone(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    write_run(tmp_path, ATTEMPT | {".lock": holder(HERE, gone.pid)})
    assert only(tmp_path).state == "interrupted"


def test_here_a_process_that_is_silent_still_runs(tmp_path: Path) -> None:
    folder = write_run(tmp_path, ATTEMPT | {".lock": ""})
    with run_lock(folder):
        for name in ATTEMPT:
            os.utime(folder / name, (time.time() - OLD,) * 2)
        run = only(tmp_path)
    assert (run.state, run.reason) == ("running", "no sign for 50m")
    assert only(tmp_path).state == "interrupted"


def test_here_a_lock_that_is_not_listed_leaves_it_to_the_times(tmp_path: Path) -> None:
    files = ATTEMPT | {".lock": holder(HERE, os.getpid())}
    write_run(tmp_path, files)
    assert only(tmp_path).state == "running"
    write_run(tmp_path, files, age=OLD)
    assert only(tmp_path).state == "interrupted"


def test_looking_makes_no_start_refuse(tmp_path: Path) -> None:
    folder = write_run(tmp_path, ATTEMPT)
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            read_sweep(tmp_path)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(300):
            with run_lock(folder):
                pass
    finally:
        ended.set()
        looking.join()


def test_progress_of_a_run(tmp_path: Path) -> None:
    seconds = [9.0, 4, 4, 4, 4, 4]
    rows = [row(n, value, seconds[n - 1]) for n, value in enumerate([0.1, 0.7, 0.7, 0, 0, 0], 1)]
    written = Progress(10).after(rows)
    write_run(tmp_path, {"progress.json": json.dumps(dataclasses.asdict(written))})
    run = only(tmp_path)
    assert (run.epoch, run.epochs) == (6, 10)
    assert (run.best_val_accuracy, run.best_epoch) == (0.7, 2)
    assert (run.epoch_seconds, run.seconds_left) == (4, 16)


def test_progress_of_a_finished_run_is_in_its_record(tmp_path: Path) -> None:
    record = {"epochs": 100, "epochs_trained": 4, "train_seconds": 10.0}
    record |= {"best_epoch": 3, "best_val_accuracy": 0.75}
    write_run(tmp_path, {"run.json": json.dumps(record)})
    run = only(tmp_path)
    assert (run.epoch, run.epochs, run.epoch_seconds, run.seconds_left) == (4, 4, 2.5, 0)
    assert (run.best_epoch, run.best_val_accuracy) == (3, 0.75)


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (UserError("of two\nlines"), "failed", "error: of two lines"),
        (KeyError("x"), "failed", "KeyError: 'x'"),
        (
            Interrupted("SIGTERM after epoch 1"),
            "interrupted",
            "interrupted by SIGTERM after epoch 1",
        ),
        (KeyboardInterrupt(), "interrupted", "interrupted by SIGINT"),
    ],
)
def test_the_end_of_an_attempt_is_reported(
    tmp_path: Path, error: BaseException, state: str, reason: str
) -> None:
    path = tmp_path / "progress.json"
    with pytest.raises(type(error)), ProgressFile(tmp_path, 10) as report:
        report.set_history([row(1, 0.5, 2)])
        raise error
    ended = read_progress(path, [])
    assert ended == Progress(10, state, reason, 1, 1, 0.5, 2)
    with ProgressFile(tmp_path, 20):
        assert read_progress(path, []) == Progress(20, "running", "", 1, 1, 0.5, 2)
    assert json.loads(path.read_text())["state"] == "done"


def test_a_disk_that_becomes_full_hides_no_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), ProgressFile(tmp_path / "run", 10):
        shutil.rmtree(tmp_path / "run")
        (tmp_path / "run").write_text("no folder any more")
        raise KeyError


def test_test_accuracy(tmp_path: Path) -> None:
    files = {"run.json": '{"epochs": 1}'}
    write_run(tmp_path, files | {"test.json": '{"test_accuracy": 0.25}'}, "tested")
    write_run(tmp_path, files, "untested")
    runs = read_sweep(tmp_path).runs
    assert [run.test_accuracy for run in runs] == [0.25, None]
    assert "2 done (1 tested)" in script.as_text(read_sweep(tmp_path))


def test_the_plan_tells_what_waits_and_how_long_it_takes(tmp_path: Path) -> None:
    write_plan(tmp_path, {"big": 300, "small_16": 100, "small_2": 100, "done": 100})
    done = {"run.json": '{"epochs": 10, "epochs_trained": 10, "train_seconds": 10}'}
    write_run(tmp_path, done, "done")
    write_run(tmp_path, done, "of_another_plan")
    running = ATTEMPT | {"progress.json": progress(*[0.5] * 4, seconds=3)}
    write_run(tmp_path, running, "small_2")
    sweep = read_sweep(tmp_path)
    assert [run.variant for run in sweep.runs] == ["big", "done", "small_2", "small_16"]
    assert [run.state for run in sweep.runs] == ["waiting", "done", "running", "waiting"]
    assert [run.seconds_left for run in sweep.runs] == [60, 0, 18, 20]
    assert sweep.seconds_left == 18 + 60 + 20
    assert sweep.planned
    assert sweep.notes == ["runs left out because they are not in the plan: 1"]


def test_the_end_with_two_runs_side_by_side(tmp_path: Path) -> None:
    lefts = {"a": ("running", 10.0), "b": ("running", 30.0), "c": ("waiting", 25.0)}
    lefts |= {"d": ("interrupted", 7.0), "e": ("failed", 1000.0), "f": ("done", 0.0)}
    runs = [made_up(name, state, left) for name, (state, left) in lefts.items()]
    assert status.time_to_end(runs) == 42  # d after a, 17; c after d
    assert status.time_to_end(runs[2:]) is None
    assert status.time_to_end([*runs, made_up("g", "waiting", None)]) is None
