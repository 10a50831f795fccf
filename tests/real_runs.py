"""Real training processes on a few small images, for the tests that end them."""

import contextlib
import functools
import hashlib
import json
import multiprocessing
import multiprocessing.process
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import train
from convnets.config.settings import DataSettings, GlyphSettings, SplitSettings
from convnets.data.dataset import save_dataset
from convnets.data.prepare import prepare_dataset
from convnets.training import trainer as training
from convnets.training.checkpoints import NAMES, read_state

SCRIPTS = Path(__file__).parent.parent / "scripts"
STEPS = 19
"""Steps of an epoch: 376 images in batches of 20."""
EPOCHS = 6
CPU = torch.device("cpu")
Undisturbed = Callable[..., dict[str, str]]
"""The fixture of that name: finals of a run of so many epochs."""
ENDED_AT_ONCE = 130
"""Exit status of a forked process that SIGINT reached before or after the training."""


def prepare_data(folder: Path) -> Path:
    """Write 658 synthetic characters to `folder`."""
    split = SplitSettings(train=376, validation=94, test=188)
    glyphs = GlyphSettings(train=470, test=188)
    settings = DataSettings(source="glyphs", split=split, glyphs=glyphs)
    save_dataset(prepare_dataset(settings, 1.0), folder)
    return folder


def training_arguments(
    data: Path, run: Path, epochs: int = EPOCHS, filters: int = 8, **training: Any
) -> list[str]:
    """Command line of train.py for a very small network."""
    variant = {"id": "small", "method": "stride", "filters": filters}
    settings = {"batch_size": 20, "learning_rate": 0.01} | training
    return [
        *("train.py", "--data", str(data), "--output", str(run), "--seed", "0"),
        *("--epochs", str(epochs), "--variant", json.dumps(variant)),
        *("--training", json.dumps(settings)),
    ]


def start(arguments: Iterable[str], **options: Any) -> subprocess.Popen[str]:
    """Start a script as a user does."""
    script, *rest = arguments
    command = [sys.executable, str(SCRIPTS / script), *rest]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, **(pipes | options))


def call(arguments: Iterable[str]) -> tuple[int, str]:
    """TrainingRun a script to its end; return exit status and all output."""
    process = start(arguments)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["torch", "torch._inductor.config", "real_runs"])


def fork(
    arguments: list[str], log: Path, setup: Callable[[], None] | None = None
) -> multiprocessing.process.BaseProcess:
    """Start a script in a process that has PyTorch loaded: a tenth of the time of `start`."""
    process = _FORKSERVER.Process(target=_run_script, args=(arguments, log, setup))
    process.start()
    return process


def wait(process: multiprocessing.process.BaseProcess) -> int:
    """Exit status of a forked process; negative for a signal."""
    process.join(120)
    assert process.exitcode is not None, "the process hangs"
    return process.exitcode


def complete(data: Path, run: Path, epochs: int = EPOCHS) -> dict[str, str]:
    """Train to the end, from whatever is there, test the checkpoint, and return the finals."""
    train_on(data, run, epochs)
    arguments = ["evaluate.py", "--data", str(data), "--run", str(run)]
    log = run.with_suffix(".log")
    assert wait(fork(arguments, log)) == 0, log.read_text()
    return finals(run)


def train_on(data: Path, run: Path, epochs: int = EPOCHS) -> None:
    """Train to the end, from whatever is there."""
    log = run.with_suffix(".log")
    assert wait(fork(training_arguments(data, run, epochs), log)) == 0, log.read_text()


def _run_script(arguments: list[str], log: Path, setup: Callable[[], None] | None) -> None:
    try:
        with open(log, "ab") as file:
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
        if setup:
            setup()
        sys.argv = arguments
        runpy.run_path(str(SCRIPTS / arguments[0]), run_name="__main__")
        sys.stdout.flush()
        os._exit(0)  # so that no signal arrives in the end of this process, which is not the script
    except KeyboardInterrupt:
        os._exit(ENDED_AT_ONCE)


def train_here(data: Path, run: Path, epochs: int = EPOCHS) -> None:
    """TrainingRun train.py in this process."""
    before = sys.argv
    sys.argv = training_arguments(data, run, epochs)
    try:
        train.main()
    finally:
        sys.argv = before


def count_intact_states(run: Path) -> int:
    """How many states are there, all of them whole; and nothing half written beside them."""
    assert not list(run.glob(".*.tmp"))
    return len([read_state(path, CPU) for path in run.glob("state.*.pt")])


def run_forked(
    arguments: list[str], log: Path, setup: Callable[[], None] | None = None
) -> tuple[int, str]:
    log.unlink(missing_ok=True)
    return wait(fork(arguments, log, setup)), log.read_text()


def save_every(seconds: float) -> None:
    """Let this process save its state within epochs whenever `seconds` have passed."""
    training.TrainingRun = functools.partial(training.TrainingRun, save_seconds=seconds)  # type: ignore[misc]


def die_at_write(number: int) -> None:
    """Save after each step, and kill this process at its `number`-th fsync or rename."""
    save_every(0)
    calls = 0

    def deadly(system_call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **keywords: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return system_call(*arguments, **keywords)

        return counted

    os.fsync, os.replace = deadly(os.fsync), deadly(os.replace)


def finals(run: Path) -> dict[str, str]:
    """Digests of all that a finished run computed, whatever its times and attempts."""
    (path,) = (run / name for name in NAMES if (run / name).exists())
    state = read_state(path, CPU)
    rows = (run / "history.csv").read_text().splitlines()
    record = json.loads((run / "run.json").read_text())
    parts = {
        "history": [row.rpartition(",")[0] for row in rows],
        "checkpoint": torch.load(run / "best.pt", weights_only=True),
        "network": state.network,
        "optimizer": state.optimizer,
        "best epoch": [record["best_epoch"], record["best_val_accuracy"]],
    }
    with contextlib.suppress(FileNotFoundError), np.load(run / "predictions.npz") as arrays:
        parts["predictions"] = {name: torch.from_numpy(arrays[name]) for name in arrays}
    return {name: digest(part) for name, part in parts.items()}


def digest(value: Any) -> str:
    """Digest of every bit of nested dictionaries, sequences, tensors and plain values."""
    text = hashlib.sha256()
    if isinstance(value, torch.Tensor):
        text.update(f"{value.dtype}{tuple(value.shape)}".encode())
        text.update(value.contiguous().numpy().tobytes())
    elif isinstance(value, dict):
        text.update("".join(f"{key}={digest(item)};" for key, item in value.items()).encode())
    elif isinstance(value, list | tuple):
        text.update("".join(digest(item) for item in value).encode())
    else:
        text.update(repr(value).encode())
    return text.hexdigest()
