"""How runs stand: made-up folders in every state, progress, and the expected end."""

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

import status as script
from convnets.core.lock import LOCK, run_lock
from convnets.runs import status
from convnets.runs.run_files import Epoch, read_log
from convnets.runs.status import QUIET_SECONDS, read_sweep
from convnets.training.checkpoints import NAMES
from convnets.training.trainer import SAVE_SECONDS
from sweep_folders import (
    ATTEMPT,
    AWAY,
    BEGUN,
    HERE,
    OLD,
    epoch_line,
    epoch_lines,
    history,
    holder,
    made_up,
    only,
    write_plan,
    write_run,
)


def test_the_constants_are_those_of_the_modules_that_need_pytorch() -> None:
    assert (status.LOCK, status.SAVED) == (LOCK, NAMES)
    assert QUIET_SECONDS >= 5 * SAVE_SECONDS


# The states, of runs on another machine: the order of the files is that of their times.
STATES: dict[str, tuple[str, str, dict[str, str], float]] = {
    "done": ("done", "", {"train.log": BEGUN, "history.csv": history(0.5), "run.json": "{}"}, 0),
    "starting": ("running", "", {"train.log": ""}, 0),
    "running": ("running", "", ATTEMPT, 0),
    "running, but its log holds the refusal of a second start": (
        "running",
        "",
        ATTEMPT | {"train.log": BEGUN + "error: runs/x is in use by process 3 on elsewhere: two\n"},
        0,
    ),
    "running again after an error": (
        "running",
        "",
        {"train.log": BEGUN + "error: no room\n", "state.0.pt": "", ".lock": AWAY},
        0,
    ),
    "a killed process": ("interrupted", "ended without a word on elsewhere, last", ATTEMPT, OLD),
    "a signal": (
        "interrupted",
        "interrupted by SIGTERM after epoch 2, saved",
        ATTEMPT | {"train.log": BEGUN + "interrupted by SIGTERM after epoch 2, saved in x\n"},
        0,
    ),
    "Ctrl-C before the training": (
        "interrupted",
        "KeyboardInterrupt",
        {"train.log": "Traceback (most recent call last):\n  File\nKeyboardInterrupt\n"},
        0,
    ),
    "an error": (
        "failed",
        "error: the training diverged: lower it",
        ATTEMPT | {"train.log": BEGUN + "error: the training diverged: lower it\n"},
        0,
    ),
    "an error of several lines": (
        "failed",
        "error: of a run with other settings: epochs: 3 -> 2 Restore them",
        {"train.log": "error: of a run with other settings:\n  epochs: 3 -> 2\nRestore them\n"},
        OLD,
    ),
    "a traceback": (
        "failed",
        "ZeroDivisionError: division by zero",
        {
            "train.log": BEGUN + "Traceback (most recent call last):\n  File\nKeyError: 1\n\n"
            "During handling of the above exception, another exception occurred:\n\n"
            "Traceback (most recent call last):\n  File x\n    1 / 0\n"
            "ZeroDivisionError: division by zero\nmore words\n"
        },
        0,
    ),
    "nothing yet": ("waiting", "", {}, 0),
    "a job that waits for a GPU": (
        "waiting",
        "for a place on a GPU",
        {".lock": AWAY, "train.log": "waiting for a place on a GPU: all 2 are taken\n"},
        OLD,
    ),
    "a GPU came free": (
        "running",
        "",
        {".lock": AWAY, "train.log": f"waiting for a place on a GPU: all 2 are taken\n{BEGUN}"},
        0,
    ),
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
    files = ATTEMPT | {
        "history.csv": history(0.1, 0.7, 0.7, seconds=4),
        "train.log": BEGUN + epoch_line(3),
    }
    write_run(tmp_path, files)
    run = only(tmp_path)
    assert (run.epoch, run.epochs) == (3, 10)
    assert (run.best_val_accuracy, run.best_epoch) == (0.7, 2)
    assert (run.epoch_seconds, run.seconds_left) == (4, 28)


def test_the_log_tells_where_the_history_is_deleted(tmp_path: Path) -> None:
    files = ATTEMPT | {"train.log": BEGUN + epoch_lines(4, accuracy=0.25, seconds=3)}
    del files["history.csv"]
    write_run(tmp_path, files)
    run = only(tmp_path)
    assert (run.epoch, run.best_val_accuracy, run.epoch_seconds) == (4, 0.25, 3)


def test_without_a_saved_state_nothing_is_left_of_an_ended_run(tmp_path: Path) -> None:
    write_run(tmp_path, {"train.log": BEGUN + epoch_lines(4) + "error: no memory\n"})
    run = only(tmp_path)
    assert (run.epoch, run.best_epoch, run.epochs) == (0, None, 10)


def test_the_log_of_several_attempts() -> None:
    first = BEGUN + epoch_lines(5)
    assert [row.epoch for row in read_log(first).rows] == [1, 2, 3, 4, 5]
    resumed = read_log(first + BEGUN + "resumed after step 7 of epoch 5, from state.1.pt\n")
    assert [row.epoch for row in resumed.rows] == [1, 2, 3, 4]
    resumed = read_log(first + BEGUN + "resumed after epoch 5, from x\n" + epoch_line(6, 0.75, 1))
    assert resumed.rows[-2:] == [Epoch(5, 0.5, 2), Epoch(6, 0.75, 1)]
    over = read_log(first + BEGUN + epoch_line(1, epochs=20))
    assert ([row.epoch for row in over.rows], over.epochs) == ([1], 20)


def test_test_accuracy_and_why_there_is_none(tmp_path: Path) -> None:
    files = {"history.csv": history(0.5), "run.json": '{"epochs": 1}'}
    write_run(tmp_path, files | {"test.json": '{"test_accuracy": 0.25}'}, "tested")
    write_run(tmp_path, files, "untested")
    error = "Traceback (most recent call last):\n  File\nKeyError: 'network'\n"
    write_run(tmp_path, files | {"evaluate.log": error}, "wrong")
    runs = read_sweep(tmp_path).runs
    assert [run.test_accuracy for run in runs] == [0.25, None, None]
    assert [run.reason for run in runs] == ["", "", "test: KeyError: 'network'"]
    assert "3 done (1 tested)" in script.as_text(read_sweep(tmp_path))


def test_the_plan_tells_what_waits_and_how_long_it_takes(tmp_path: Path) -> None:
    write_plan(tmp_path, {"big": 300, "small_16": 100, "small_2": 100, "done": 100})
    done = {"history.csv": history(*[0.5] * 10, seconds=1), "run.json": '{"epochs": 10}'}
    write_run(tmp_path, done, "done")
    write_run(tmp_path, done, "of_another_plan")
    running = ATTEMPT | {"history.csv": history(*[0.5] * 4, seconds=3)}
    write_run(tmp_path, running, "small_2")
    sweep = read_sweep(tmp_path)
    assert [run.variant for run in sweep.runs] == ["big", "done", "small_2", "small_16"]
    assert [run.state for run in sweep.runs] == ["waiting", "done", "running", "waiting"]
    assert [run.seconds_left for run in sweep.runs] == [60, 0, 18, 20]
    assert sweep.seconds_left == 18 + 60 + 20
    assert sweep.planned
    assert sweep.notes == ["left out, because they are not of the plan: 1 of the runs"]


def test_the_end_with_two_runs_side_by_side(tmp_path: Path) -> None:
    lefts = {"a": ("running", 10.0), "b": ("running", 30.0), "c": ("waiting", 25.0)}
    lefts |= {"d": ("interrupted", 7.0), "e": ("failed", 1000.0), "f": ("done", 0.0)}
    runs = [made_up(name, state, left) for name, (state, left) in lefts.items()]
    assert status.time_to_end(runs) == 42  # d after a, 17; c after d
    assert status.time_to_end(runs[2:]) is None
    assert status.time_to_end([*runs, made_up("g", "waiting", None)]) is None
