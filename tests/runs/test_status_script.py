"""What `make status` prints: the table, damaged files, and real trainings."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import status as script
from convnets.core.errors import UserError
from convnets.runs import status
from convnets.runs.status import RunStatus, SweepStatus, read_sweep
from real_runs import SCRIPTS, call, complete, fork, run_forked, start, training_arguments, wait
from sweep_folders import ATTEMPT, AWAY, HERE, made_up, only, progress, write_run


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
    sweep = SweepStatus(Path("results/demo"), runs, None, False, [])
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
    names = ("run.json", "test.json", "progress.json", ".lock")
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
    for name, whole in {"progress.json": progress(0.5, 0.75), ".lock": AWAY}.items():
        for end in range(len(whole)):
            write_run(tmp_path, ATTEMPT | {name: whole[:end]})
            damaged = only(tmp_path).damaged
            assert damaged == (("progress.json is damaged",) if name == "progress.json" else ())


@pytest.mark.parametrize("number", [1e17, 1e308, float("inf"), 10**400, 10**14])
@pytest.mark.parametrize("key", ["epoch", "epochs", "best_epoch", "epoch_seconds"])
def test_numbers_that_are_too_large(key: str, number: float, tmp_path: Path) -> None:
    text = json.dumps(json.loads(progress(0.5)) | {key: number})
    write_run(tmp_path, ATTEMPT | {"progress.json": text})
    sweep = read_sweep(tmp_path)
    assert "small" in script.as_text(sweep) and json.loads(script.as_json(sweep))


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
    write_run(tmp_path, ATTEMPT)
    command = [sys.executable, "-S", str(SCRIPTS / "status.py"), str(tmp_path), "--json"]
    values = json.loads(subprocess.check_output(command, text=True))
    assert values["counts"]["running"] == 1
    assert values["runs"][0]["epoch"] == 2
    assert values["seconds_left"] == values["runs"][0]["seconds_left"] == 16
    assert values["expected_end"].startswith("20")


def heed_interrupts() -> None:
    """A shell's background jobs ignore SIGINT, and so would what the tests start there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_watching_until_ctrl_c(tmp_path: Path) -> None:
    write_run(tmp_path, ATTEMPT)
    command = ["status.py", str(tmp_path), "--watch", "0.05"]
    process = start(command, preexec_fn=heed_interrupts)
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
    arguments: list[str], log: Path, condition: Callable[[RunStatus], bool], number: signal.Signals
) -> RunStatus:
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

    interrupt(many, log, lambda run: run.epoch > seen.epoch, signal.SIGKILL)
    killed = only(tmp_path)
    assert killed.state == "interrupted"
    assert killed.reason.startswith(f"ended without a message on {HERE}, last sign ")

    other = training_arguments(data, folder, epochs=1000, learning_rate=0.5)
    assert run_forked(other, log)[0] == 1
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
