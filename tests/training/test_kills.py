"""Real trainings that are killed: the same command ends with the same bits, whatever happened."""

import functools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from workflow_tree import copy_of_the_tree, snakemake

from convnets.architectures.images import ImageKind
from convnets.core.interruption import ECHO_SECONDS
from convnets.data import dataset
from convnets.training import trainer as training
from convnets.training.checkpoints import Checkpoints
from convnets.training.trainer import Trainer, shuffled
from real_runs import (
    Undisturbed,
    complete,
    die_at_write,
    finals,
    fork,
    save_every,
    start,
    train_on,
    training_arguments,
    wait,
)
from soak import kill_and_complete

LONG = 40
"""Epochs of a run that lasts a few seconds."""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_ended_by_a_signal_goes_on_bit_for_bit(
    data: Path, tmp_path: Path, undisturbed: Undisturbed, number: signal.Signals
) -> None:
    arguments = training_arguments(data, tmp_path / "run", LONG)
    process = start(arguments)
    assert process.stdout is not None
    chance = random.Random(number)
    last = f"epoch {chance.randint(1, LONG // 2):3d}/"
    while last not in (line := process.stdout.readline()):
        assert line, "the process ended early"
    time.sleep(chance.uniform(0, 0.05))
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 75
        line = output.splitlines()[-1]
        assert line.startswith(f"interrupted by {number.name} after ")
        assert line.endswith("; the same command continues from there")
    assert not (tmp_path / "run/run.json").exists()
    assert complete(data, tmp_path / "run", LONG) == undisturbed(LONG)
    assert (tmp_path / "run.log").read_text().splitlines()[1].startswith("resumed after ")


def test_killed_during_a_write(data: Path, tmp_path: Path, undisturbed: Undisturbed) -> None:
    """Each file is synchronised, then renamed: odd numbers die in the one, even in the other."""
    in_training = random.Random(0).sample(range(1, 80), 4)
    end = 2 * (2 * 19 + 2 + 2)  # steps, epochs and histories; then four files
    for number in (*in_training, *range(end + 1, end + 9)):
        run = tmp_path / f"run_{number}"
        arguments = training_arguments(data, run, epochs=2)
        log = tmp_path / "train.log"
        assert wait(fork(arguments, log, functools.partial(die_at_write, number))) == -9
        assert len(list(run.glob(".*.tmp"))) == 1
        train_on(data, run, 2)
        assert finals(run).items() <= undisturbed(2).items()
        assert not list(run.glob(".*.tmp"))
    log.unlink()
    assert wait(fork(arguments, log, functools.partial(die_at_write, end + 9))) == 0


def test_killed_again_and_again_at_any_moment(
    data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    kills = 0
    for seed in range(3):
        run, chance = tmp_path / str(seed), random.Random(seed)
        kills += len(kill_and_complete(data, run, chance, kills=3, longest=0.6))
        assert finals(run) == undisturbed()
    assert kills >= 4


def forget_the_order() -> None:
    training.shuffled = lambda number, seed, epoch: shuffled(number, seed + 1, epoch)


def test_the_comparison_notices_another_order_after_the_kill(
    data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    run, log = tmp_path / "run", tmp_path / "train.log"
    arguments = training_arguments(data, run, epochs=2)
    assert wait(fork(arguments, log, functools.partial(die_at_write, 9))) == -9
    assert wait(fork(arguments, log, forget_the_order)) == 0
    different, expected = complete(data, run, 2), undisturbed(2)
    assert {part for part in expected if different[part] != expected[part]} >= {
        "history", "checkpoint", "network", "optimizer", "predictions"
    }  # fmt: skip


def signal_while_loading() -> None:
    load = dataset.load_dataset

    def interrupted(folder: Path, kind: ImageKind) -> dataset.Dataset:
        os.kill(os.getpid(), signal.SIGTERM)
        return load(folder, kind)

    dataset.load_dataset = interrupted  # type: ignore[assignment]


def signal_while_finishing() -> None:
    finish = Checkpoints.finish

    def interrupted(*arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        finish(*arguments)  # type: ignore[arg-type]

    Checkpoints.finish = interrupted  # type: ignore[method-assign, assignment]


def test_a_signal_while_loading_ends_before_the_first_step(
    data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    run, log = tmp_path / "run", tmp_path / "train.log"
    arguments = training_arguments(data, run)
    assert wait(fork(arguments, log, signal_while_loading)) == 75
    assert "interrupted by SIGTERM; the same command continues" in log.read_text()
    assert not list(run.glob("*.pt"))
    assert complete(data, run) == undisturbed()


def test_a_signal_while_finishing_changes_nothing(
    data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    arguments = training_arguments(data, tmp_path / "run")
    assert wait(fork(arguments, tmp_path / "train.log", signal_while_finishing)) == 0
    expected = undisturbed()
    assert finals(tmp_path / "run").items() <= expected.items()


def step_for_ever() -> None:
    def endless(*arguments: object) -> None:
        print("in a step", flush=True)
        while True:
            time.sleep(0.01)

    Trainer.train_step = endless  # type: ignore[method-assign, assignment]


def test_a_second_signal_ends_at_once(data: Path, tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    process = fork(training_arguments(data, tmp_path / "run"), log, step_for_ever)
    wait_for(lambda: "in a step" in read(log))
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGINT)  # an echo
    process.join(1.5 * ECHO_SECONDS)
    assert process.is_alive()
    os.kill(process.pid, signal.SIGTERM)
    assert wait(process) == -signal.SIGTERM


def test_a_second_start_of_a_finished_run_only_writes_its_outputs_again(
    data: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "train.log"
    before, record = complete(data, run), (tmp_path / "run/run.json").read_text()
    for name in ("history.csv", "best.pt", "run.json"):  # as Snakemake does
        (run / name).unlink()
    setup = functools.partial(save_every, 0)
    assert wait(fork(training_arguments(data, run), log, setup)) == 0
    assert "epoch " not in read(log).partition("resumed after epoch 6")[2]
    assert finals(run) == before
    assert (run / "run.json").read_text() == record


CONFIGURATION = f"""
run_name: killed
epochs: {LONG}
experiments: [table_2]
data:
  source: glyphs
  glyphs: {{train: 470, test: 188}}
  split: {{train: 376, validation: 94, test: 188}}
training: {{batch_size: 20, learning_rate: 0.01}}
architecture: {{filters: 8}}
"""
TARGET = "results/killed/runs/stride_2/seed_0/test.json"
COMMAND = (TARGET, "--configfile", "killed.yaml")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, with the run done undisturbed and put aside."""
    folder = copy_of_the_tree(tmp_path_factory.mktemp("killed") / "clone")
    (folder / "killed.yaml").write_text(CONFIGURATION)
    done = snakemake(folder, *COMMAND)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / TARGET).parent.rename(folder / "undisturbed")
    return folder


def start_snakemake(clone: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start Snakemake, and wait until its training is some epochs old."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *COMMAND]
    with open(log, "w") as output:
        process = subprocess.Popen(
            command, cwd=clone, env=os.environ | {"PATH": path}, stdout=output, stderr=output
        )
    progress = (clone / TARGET).with_name("train.log")
    wait_for(lambda: "epoch   5/" in read(progress))
    return process


def trainer_of(clone: Path) -> int:
    """Process that trains, as it says itself in the lock."""
    text = (clone / TARGET).with_name(".lock").read_text()
    return int(text.partition('"pid": ')[2].partition(",")[0])


@pytest.mark.workflow
def test_a_training_that_is_killed_under_snakemake(clone: Path, tmp_path: Path) -> None:
    process = start_snakemake(clone, tmp_path / "log")
    os.kill(trainer_of(clone), signal.SIGKILL)
    assert process.wait(60) != 0
    assert not (clone / TARGET).with_name("run.json").exists()
    again = snakemake(clone, *COMMAND)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "resumed after epoch" in (clone / TARGET).with_name("train.log").read_text()
    assert finals((clone / TARGET).parent) == finals(clone / "undisturbed")
    (clone / TARGET).parent.rename(tmp_path / "done")


@pytest.mark.workflow
def test_snakemake_is_killed_and_started_again_while_the_training_lives(
    clone: Path, tmp_path: Path
) -> None:
    process = start_snakemake(clone, tmp_path / "log")
    trainer = trainer_of(clone)
    process.kill()
    process.wait()
    os.kill(trainer, signal.SIGSTOP)  # still there when the second one comes
    snakemake(clone, "--unlock", *COMMAND)
    again = snakemake(clone, "--rerun-incomplete", *COMMAND)
    assert again.returncode != 0
    log = (clone / TARGET).with_name("train.log").read_text()
    assert f"in use by process {trainer} on" in log
    assert trainer_of(clone) == trainer
    os.kill(trainer, signal.SIGCONT)
    wait_for(lambda: not Path(f"/proc/{trainer}/fd/1").exists())
    third = snakemake(clone, "--rerun-incomplete", *COMMAND)
    assert third.returncode == 0, third.stdout + third.stderr
    run = (clone / TARGET).parent
    assert finals(run) == finals(clone / "undisturbed")
    assert (run / "run.json").read_text().count("from_epoch") == 1  # the first one did it all
    run.rename(tmp_path / "done")


def read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
