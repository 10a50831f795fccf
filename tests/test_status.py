"""What `make status` tells: of made-up folders in every state, and of real trainings."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import status as script
from convnets import status
from convnets.errors import UserError
from convnets.lock import LOCK, run_lock
from convnets.run_files import Epoch, read_log
from convnets.state import NAMES
from convnets.status import QUIET_SECONDS, Run, Sweep, read_sweep
from convnets.training import SAVE_SECONDS
from real_runs import SCRIPTS, call, complete, fork, run_forked, start, training_arguments, wait

BEGUN = "2026-11-23T14:13:45+00:00 small, seed 0: 270,656 parameters, Synthetic, CPU, float32\n"
HERE = socket.gethostname()
OLD = 10 * QUIET_SECONDS


def epoch_line(epoch: int, accuracy: float = 0.5, seconds: float = 2.0, epochs: int = 10) -> str:
    return (
        f"epoch {epoch:3d}/{epochs}  train loss 1.4678 acc 0.5208  validation loss 1.5912 "
        f"acc {accuracy:.4f}  {seconds:.1f} s  best {accuracy:.4f} at {epoch}  about 0.2 min left\n"
    )


def epoch_lines(last: int, **values: float) -> str:
    return "".join(epoch_line(epoch, **values) for epoch in range(1, last + 1))  # type: ignore[arg-type]


def history(*accuracies: float, seconds: float = 2.0) -> str:
    rows = [f"{n},1.0,0.3,1.1,{value},{seconds}\n" for n, value in enumerate(accuracies, 1)]
    return "epoch,train_loss,train_accuracy,val_loss,val_accuracy,epoch_seconds\n" + "".join(rows)


def holder(host: str, pid: int = 1) -> str:
    return json.dumps({"pid": pid, "host": host, "started": "2026-11-23T14:13:45+00:00"})


def write_run(
    sweep: Path, files: dict[str, str], variant: str = "small", seed: int = 0, age: float = 0.0
) -> Path:
    """Write the files of a run in their order in time, the last one `age` seconds ago."""
    folder = sweep / "runs" / variant / f"seed_{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    for place, (name, text) in enumerate(files.items(), 1):
        (folder / name).write_text(text)
        moment = time.time() - age - len(files) + place
        os.utime(folder / name, (moment, moment))
    return folder


def write_plan(sweep: Path, costs: dict[str, int], epochs: int = 10) -> None:
    runs = [{"variant": name, "seed": 0, "multiply_adds": cost} for name, cost in costs.items()]
    sweep.mkdir(exist_ok=True)
    (sweep / "plan.json").write_text(json.dumps({"epochs": epochs, "runs": runs}))


def only(sweep: Path) -> Run:
    (run,) = read_sweep(sweep).runs
    return run


def test_the_constants_are_those_of_the_modules_that_need_pytorch() -> None:
    assert (status.LOCK, status.SAVED) == (LOCK, NAMES)
    assert QUIET_SECONDS >= 5 * SAVE_SECONDS


# The states, of runs on another machine: the order of the files is that of their times.
AWAY = holder("elsewhere")
ATTEMPT = {".lock": AWAY, "history.csv": history(0.5, 0.6), "state.1.pt": "", "train.log": BEGUN}
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


def made_up(variant: str, state: str, left: float | None, **values: Any) -> Run:
    none: dict[str, Any] = dict.fromkeys(
        ("epochs", "best_val_accuracy", "best_epoch", "epoch_seconds", "test_accuracy")
    )
    rest = none | {"seed": 0, "epoch": 0, "reason": "", "damaged": ()} | values
    return Run(variant=variant, state=state, seconds_left=left, **rest)


def test_the_table_fits_a_screen() -> None:
    words = "error: " + "a long message of what went wrong " * 20
    full: dict[str, Any] = {
        "epoch": 100,
        "epochs": 100,
        "best_val_accuracy": 0.8888,
        "best_epoch": 100,
    }
    full |= {"seed": 2, "epoch_seconds": 12345.6, "test_accuracy": 0.8888, "reason": words}
    runs = [
        made_up("a_long_name_" * 5, "interrupted", 86_000, **full),
        made_up("x", "waiting", None, damaged=("run.json is damaged",)),
    ]
    sweep = Sweep(Path("results/demo"), runs, None, False, [])
    lines = script.as_text(sweep).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("a_long_name_a_long")
    cells = "2 interrupted 100/100 ######## 0.8888 100 12345.6 23h53m 0.8888"
    assert lines[1].split()[1:] == cells.split()
    assert lines[2].startswith("    error: a long message")
    assert lines[4].endswith(" ...")
    assert lines[5].split() == ["x", "0", "waiting", "0/?", "........", "-", "-", "-", "-", "-"]
    assert lines[6] == "    run.json is damaged"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.4, "59s"),
        (59.6, "1m"),
        (3599, "1h00m"),
        (11_100, "3h05m"),
        (187_000, "2d04h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert status.duration(seconds) == text


OTHER_JSON = '{"epochs": [], "pid": {}, "test_accuracy": "high"}'


@pytest.mark.parametrize("rubbish", ["", "{", "[1]", "\0\x80,\n\n,\x00", OTHER_JSON])
def test_damaged_files_are_shown_as_such(tmp_path: Path, rubbish: str) -> None:
    names = ("run.json", "test.json", "history.csv", "train.log", ".lock", "evaluate.log")
    write_run(tmp_path, dict.fromkeys(names, rubbish), "all")
    for name in names:
        write_run(tmp_path, ATTEMPT | {name: rubbish}, f"only_{name}")
    (tmp_path / "runs" / "folders" / "seed_0" / "run.json").mkdir(parents=True)
    (tmp_path / "runs" / "folders" / "seed_x").write_text("")
    assert "variant" in script.as_text(read_sweep(tmp_path))
    runs = {run.variant: run for run in read_sweep(tmp_path).runs}
    assert runs["folders"].damaged[0].startswith("run.json cannot be read (Is a directory)")
    expected = () if rubbish == OTHER_JSON else ("run.json is damaged",)
    assert runs["only_run.json"].damaged == expected
    (tmp_path / "plan.json").write_text(rubbish)
    sweep = read_sweep(tmp_path)
    assert not sweep.planned
    assert len(sweep.notes) == 1
    assert "plan.json" in sweep.notes[0]


def test_files_cut_anywhere(tmp_path: Path) -> None:
    text = history(0.5, 0.75)
    log = BEGUN + epoch_line(1) + "error: no memory:\n  more\n"
    for name, whole in {"history.csv": text, "train.log": log, ".lock": AWAY}.items():
        for end in range(len(whole)):
            write_run(tmp_path, ATTEMPT | {name: whole[:end]})
            run = only(tmp_path)
            assert run.epoch <= 2
    for damaged in (text[:-15], history(0.5, float("nan"))):
        write_run(tmp_path, ATTEMPT | {"history.csv": damaged})
        run = only(tmp_path)
        assert (run.epoch, run.damaged) == (1, ("history.csv is damaged after epoch 1",))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    write_run(tmp_path / "trial", ATTEMPT)
    code, output = call(["status.py", str(tmp_path / "demo")])
    assert code == 1
    assert output.startswith(f"error: there is no folder {tmp_path}/demo; sweeps in {tmp_path}: ")
    assert "trial. Give the folder results/NAME" in output
    with pytest.raises(UserError, match="none"):
        read_sweep(tmp_path / "nowhere" / "demo")


def test_a_sweep_that_has_not_begun(tmp_path: Path) -> None:
    text = script.as_text(read_sweep(tmp_path))
    assert "0 runs" in text
    assert "No run has begun." in text
    assert "There is no plan.json" in text


def test_json_and_the_standard_library_alone(tmp_path: Path) -> None:
    write_run(tmp_path, ATTEMPT | {"train.log": BEGUN + epoch_line(2)})
    command = [sys.executable, "-S", str(SCRIPTS / "status.py"), str(tmp_path), "--json"]
    values = json.loads(subprocess.check_output(command, text=True))
    assert values["counts"]["running"] == 1
    assert values["runs"][0]["epoch"] == 2
    assert values["seconds_left"] == values["runs"][0]["seconds_left"] == 16
    assert values["expected_end"].startswith("20")


def test_watching_until_ctrl_c(tmp_path: Path) -> None:
    write_run(tmp_path, ATTEMPT)
    process = start(["status.py", str(tmp_path), "--watch", "0.05"])
    assert process.stdout is not None
    tables = (line for line in process.stdout if line.startswith("small"))
    first, second = next(tables), next(tables)
    assert first == second
    process.send_signal(signal.SIGINT)
    assert "Traceback" not in process.communicate(timeout=60)[0]
    assert process.returncode == 0
    code, output = call(["status.py", str(tmp_path), "--watch", "0"])
    assert (code, output) == (1, "error: --watch is 0, expected a time above 0 seconds\n")


def test_make_knows_the_script() -> None:
    command = ["make", "--dry-run", "status", "NAME=mine", "ARGS=--json"]
    output = subprocess.check_output(command, text=True, cwd=SCRIPTS.parent)
    assert "scripts/status.py results/mine --json\n" in output


def interrupt(
    arguments: list[str], log: Path, condition: Callable[[Run], bool], number: signal.Signals
) -> Run:
    """Train until the only run of its sweep is so; return it as it was before the signal."""
    process = fork(arguments, log)
    assert process.pid is not None
    deadline = time.monotonic() + 120
    try:
        while not condition(seen := only(log.parents[3])):
            assert time.monotonic() < deadline, seen
            assert process.is_alive()
            time.sleep(0.01)
        os.kill(process.pid, number)
        wait(process)
    finally:
        process.kill()
    return seen


def test_a_real_run_through_all_states(data: Path, tmp_path: Path) -> None:
    folder = write_run(tmp_path, {})
    log = folder / "train.log"
    many = training_arguments(data, folder, epochs=1000)

    assert only(tmp_path).state == "waiting"
    running = interrupt(many, log, lambda run: run.epoch >= 2, signal.SIGTERM)
    assert (running.state, running.epochs, running.reason) == ("running", 1000, "")
    assert running.best_val_accuracy is not None
    assert running.seconds_left is not None
    assert running.seconds_left > 0

    seen = only(tmp_path)
    assert seen.state == "interrupted"
    assert seen.reason.startswith("interrupted by SIGTERM after ")

    (folder / "history.csv").unlink()  # as Snakemake does
    assert only(tmp_path).epoch == seen.epoch
    interrupt(many, log, lambda run: run.epoch > seen.epoch, signal.SIGKILL)
    killed = only(tmp_path)
    assert killed.state == "interrupted"
    assert killed.reason.startswith(f"ended without a word on {HERE}, last sign ")

    other = training_arguments(data, folder, epochs=1000, learning_rate=0.5)
    saved = log.read_text()
    assert run_forked(other, log)[0] == 1
    log.write_text(saved + log.read_text())
    failed = only(tmp_path)
    assert failed.state == "failed"
    assert failed.reason.startswith(f"error: {folder}/state.")
    assert "training.learning_rate: 0.01 -> 0.5" in failed.reason
    assert failed.epoch == killed.epoch

    shutil.rmtree(folder)
    folder.mkdir()
    complete(data, folder, epochs=2)
    done = only(tmp_path)
    assert (done.state, done.epoch, done.epochs, done.reason) == ("done", 2, 2, "")
    assert done.damaged == ()
    assert done.test_accuracy is not None
