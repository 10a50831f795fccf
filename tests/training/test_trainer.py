"""The training loop: what it learns, what it writes, and how it goes on."""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core.errors import Interrupted, UserError
from convnets.runs.progress import Epoch
from convnets.training import trainer as training
from convnets.training.checkpoints import Checkpoints, TrainingState, read_state
from convnets.training.evaluation import score
from convnets.training.hardware import Plan
from convnets.training.trainer import (
    SAVE_SECONDS,
    LabelledTensors,
    Trainer,
    TrainingRun,
    go_on,
    predict,
    shuffled,
)
from real_runs import digest

SMALL = Variant(id="small", method="max_pool", filters=32)
SETTINGS = TrainingSettings(batch_size=20, learning_rate=0.01)
STEPS = 10
"""Steps of an epoch: 200 images in batches of 20."""


def images_of_bars(number: int, seed: int) -> LabelledTensors:
    """Images whose class, 0 to 3, is where a bright bar stands."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, number)
    images = generator.integers(0, 60, (number, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 7 * label : 7 * label + 4] = 250
    return torch.from_numpy(images), torch.from_numpy(labels)


TRAIN, VALIDATION = images_of_bars(200, 1), images_of_bars(60, 2)
CPU = "cpu"
PLAN = Plan(CPU, "bfloat16", channels_last=True, cuda_graph=False, kernels="fused")
torch.set_num_threads(1)  # as train.py does


def run(
    folder: Path,
    epochs: int,
    seed: int = 0,
    check: Callable[[], None] = go_on,
    save_seconds: float = SAVE_SECONDS,
    settings: TrainingSettings = SETTINGS,
) -> tuple[TrainingState, Trainer, list[str]]:
    """Train, or go on from what is in `folder`, as train.py does."""
    lines: list[str] = []
    slots = Checkpoints(folder, lines.append)
    state = slots.resume({"run": 1}, epochs, CPU)
    trainer = Trainer(SMALL, settings, seed, PLAN, TRAIN)
    training = TrainingRun(trainer, state, slots, check, save_seconds)
    training.train(
        VALIDATION,
        epochs,
        lambda state: lines.append(state.epoch_line(epochs, settings.patience)),
    )
    return state, trainer, lines


def interrupt_at(number: int) -> Callable[[], None]:
    """A check that asks at its `number`-th call to end: after a step or amid the validation."""
    calls = itertools.count(1)

    def check() -> None:
        if next(calls) == number:
            raise Interrupted("SIGTERM")

    return check


def interrupted(folder: Path, number: int, epochs: int = 3) -> None:
    with pytest.raises(Interrupted):
        run(folder, epochs, check=interrupt_at(number))


def bits(state: TrainingState) -> str:
    """Digest of all that a run computed, times aside."""
    rows = [dataclasses.asdict(row) | {"epoch_seconds": 0} for row in state.history]
    weights = state.network, state.best_network
    return digest([rows, *weights, state.optimizer["state"], state.losses, state.step])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> TrainingState:
    """An undisturbed run of three epochs."""
    return run(tmp_path_factory.mktemp("whole"), epochs=3)[0]


def test_it_learns(tmp_path: Path) -> None:
    state, trainer, lines = run(tmp_path, epochs=6)
    assert state.best.val_accuracy > 0.95
    assert len(lines) == 6
    assert "epoch   6/6" in lines[-1]
    scores = predict(trainer.network, VALIDATION[0], PLAN)
    measures, *_ = score(scores.numpy(), VALIDATION[1].numpy())
    assert measures["test_accuracy"] == pytest.approx(state.history[-1].val_accuracy)


def test_same_seed_same_bits_and_another_seed_others(tmp_path: Path, whole: TrainingState) -> None:
    assert bits(run(tmp_path / "a", epochs=3)[0]) == bits(whole)
    assert bits(run(tmp_path / "b", epochs=3, seed=1)[0]) != bits(whole)


@pytest.mark.parametrize("number", [1, 7, STEPS - 1, STEPS, STEPS + 1, STEPS + 2, 2 * STEPS + 8])
def test_resumed_anywhere_equals_uninterrupted(
    tmp_path: Path, whole: TrainingState, number: int
) -> None:
    interrupted(tmp_path, number)
    state, trainer, _ = run(tmp_path, epochs=3)
    assert bits(state) == bits(whole)
    for name, weights in trainer.network.state_dict().items():
        assert torch.equal(weights, whole.network[name])


def test_interrupted_at_every_step_equals_uninterrupted(
    tmp_path: Path, whole: TrainingState
) -> None:
    for _ in range(3 * (STEPS + 1)):
        with contextlib.suppress(Interrupted):
            run(tmp_path, epochs=3, check=interrupt_at(2))
    assert bits(run(tmp_path, epochs=3)[0]) == bits(whole)


def test_more_epochs_go_on_from_a_finished_run(tmp_path: Path, whole: TrainingState) -> None:
    run(tmp_path, epochs=2)
    assert bits(run(tmp_path, epochs=3)[0]) == bits(whole)


def test_the_comparison_notices_another_order(
    tmp_path: Path, whole: TrainingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tmp_path, 7)
    monkeypatch.setattr(training, "shuffled", lambda n, seed, epoch: shuffled(n, seed, epoch + 1))
    assert bits(run(tmp_path, epochs=3)[0]) != bits(whole)


def test_the_comparison_notices_a_fresh_optimiser(
    tmp_path: Path, whole: TrainingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tmp_path, 7)
    monkeypatch.setattr(torch.optim.Adam, "load_state_dict", lambda self, state: None)
    assert bits(run(tmp_path, epochs=3)[0]) != bits(whole)


def test_the_comparison_notices_a_step_done_twice(tmp_path: Path, whole: TrainingState) -> None:
    interrupted(tmp_path, 7)
    slots = Checkpoints(tmp_path, print)
    state = slots.resume({"run": 1}, 3, CPU)
    state.step -= 1
    state.losses, state.corrects = state.losses[:-1], state.corrects[:-1]
    for _ in slots.paths:
        slots.save(state)
    assert bits(run(tmp_path, epochs=3)[0]) != bits(whole)


def test_saving_often_changes_nothing(tmp_path: Path, whole: TrainingState) -> None:
    state, *_ = run(tmp_path, epochs=3, save_seconds=0)
    assert bits(state) == bits(whole)


def test_the_state_is_saved_when_due_and_after_each_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions: list[tuple[int, int]] = []
    monkeypatch.setattr(
        Checkpoints, "save", lambda slots, state: positions.append((len(state.history), state.step))
    )
    clock = itertools.count(0, 0.1)  # each look at it takes a tenth of a second
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    run(tmp_path, epochs=2, save_seconds=0.35)
    assert (1, 0) in positions
    assert (2, 0) in positions
    within = [step for _, step in positions if step]
    assert 4 <= len(within) < 2 * STEPS


def test_an_interrupted_run_says_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match=r"SIGTERM after step 7 of epoch 1, .*state.0.pt"):
        run(tmp_path, 3, check=interrupt_at(7))
    assert run(tmp_path, 3)[0].progress == (3, 0, False)


def test_seconds_of_all_attempts_count_and_saving_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    step, save = Trainer.train_step, Checkpoints.save

    def second_long_step(*arguments: Any) -> None:
        nonlocal now
        now += 1
        step(*arguments)

    def slow_save(*arguments: Any) -> None:
        nonlocal now
        now += 100
        save(*arguments)

    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(Trainer, "train_step", second_long_step)
    monkeypatch.setattr(Checkpoints, "save", slow_save)
    interrupted(tmp_path, 7)
    state, *_ = run(tmp_path, epochs=3, save_seconds=0)
    assert [row.epoch_seconds for row in state.history] == [STEPS] * 3


@pytest.mark.parametrize("save_seconds", [SAVE_SECONDS, 0])
def test_a_diverging_run_names_the_step_and_saves_nothing_bad(
    tmp_path: Path, save_seconds: float
) -> None:
    wild = dataclasses.replace(SETTINGS, optimizer="sgd", learning_rate=1e25)
    with pytest.raises(UserError, match=r"not finite in step [23] of epoch 1") as caught:
        run(tmp_path, 3, settings=wild, save_seconds=save_seconds)
    assert "training.learning_rate (now 1e+25)" in str(caught.value)
    assert "float32" in str(caught.value)
    for path in tmp_path.glob("state.*"):
        state = read_state(path, CPU)
        assert torch.isfinite(state.losses).all()
        assert all(torch.isfinite(weights).all() for weights in state.network.values())


def test_a_bad_value_anywhere_in_the_epoch_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, calls = Trainer.train_step, itertools.count(1)

    def bad_step(trainer: Trainer, number: int) -> None:
        step(trainer, number)
        if next(calls) == STEPS + 5:
            trainer.losses[number] = torch.inf

    monkeypatch.setattr(Trainer, "train_step", bad_step)
    with pytest.raises(UserError, match=r"in step 5 of epoch 2. .*state.0.pt is kept"):
        run(tmp_path, 3)
    assert read_state(tmp_path / "state.0.pt", CPU).progress == (1, 0, False)


def test_a_bad_loss_of_the_validation_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "validate", lambda *arguments: (torch.nan, 0.5))
    with pytest.raises(UserError, match="in validation of epoch 1"):
        run(tmp_path, 3)
    assert not list(tmp_path.glob("state.*"))


def test_history_has_the_stable_columns(tmp_path: Path) -> None:
    run(tmp_path, epochs=2)
    lines = (tmp_path / "history.csv").read_text().splitlines()
    columns = "epoch,train_loss,train_accuracy,val_loss,val_accuracy,epoch_seconds"
    assert lines[0] == columns
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]


def test_the_earliest_of_equally_good_epochs_is_best() -> None:
    rows = [Epoch(n, 0, 0, 0, accuracy, 1) for n, accuracy in ((1, 0.5), (2, 0.7), (3, 0.7))]
    assert TrainingState({}, history=rows).best.epoch == 2


def test_every_image_is_visited_once_and_in_another_order_each_epoch() -> None:
    first, second = shuffled(1000, seed=0, epoch=1), shuffled(1000, seed=0, epoch=2)
    assert torch.equal(first.sort().values, torch.arange(1000))
    assert not torch.equal(first, second)
    assert torch.equal(first, shuffled(1000, seed=0, epoch=1))
    assert not torch.equal(first, shuffled(1000, seed=1, epoch=1))


def test_score_counts_by_hand() -> None:
    scores = np.full((4, 47), -10.0, np.float32)
    scores[0, 3] = scores[1, 3] = scores[2, 5] = scores[3, 6] = 10.0
    measures, prediction, _ = score(scores, np.array([3, 3, 6, 6]))
    assert measures["test_accuracy"] == 0.75
    assert measures["per_class_accuracy"][3] == 1.0
    assert measures["per_class_accuracy"][6] == 0.5
    assert measures["per_class_accuracy"][0] is None
    assert prediction.tolist() == [3, 3, 5, 6]
    assert measures["test_loss"] == pytest.approx(20 / 4, abs=1e-3)
