"""The training loop: what it learns, what it writes, and how it goes on."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convnets import training
from convnets.errors import UserError
from convnets.evaluation import score
from convnets.hardware import choose_device, choose_precision
from convnets.settings import TrainingSettings
from convnets.training import Part, State, Trainer, predict, shuffled, train
from convnets.variant import Variant

SMALL = Variant(id="small", method="max_pool", filters=4)
SETTINGS = TrainingSettings(batch_size=20, learning_rate=0.01)


def images_of_bars(number: int, seed: int) -> Part:
    """Images whose class, 0 to 3, is where a bright bar stands."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, number)
    images = generator.integers(0, 60, (number, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 7 * label : 7 * label + 4] = 250
    return torch.from_numpy(images), torch.from_numpy(labels)


TRAIN, VALIDATION = images_of_bars(200, 1), images_of_bars(60, 2)


def run(
    folder: Path, epochs: int, seed: int = 0, belongs_to: dict[str, Any] | None = None
) -> tuple[State, Trainer, list[str]]:
    lines: list[str] = []
    trainer = Trainer(SMALL, SETTINGS, seed, torch.device("cpu"), torch.bfloat16)
    parts = (TRAIN, VALIDATION)
    state = train(trainer, *parts, epochs, folder, belongs_to or {"run": 1}, lines.append)
    return state, trainer, lines


def same(first: State, second: State) -> bool:
    """Whether two runs ended with the same bits, times aside."""
    timeless = [
        [dataclasses.replace(row, epoch_seconds=0) for row in state.history]
        for state in (first, second)
    ]
    weights = all(torch.equal(first.network[name], second.network[name]) for name in first.network)
    best = all(
        torch.equal(first.best_network[name], second.best_network[name])
        for name in first.best_network
    )
    moments = all(
        torch.equal(ours[name], theirs[name])
        for ours, theirs in zip(
            first.optimizer["state"].values(), second.optimizer["state"].values(), strict=True
        )
        for name in ours
    )
    return timeless[0] == timeless[1] and weights and best and moments


def test_it_learns(tmp_path: Path) -> None:
    state, trainer, lines = run(tmp_path, epochs=6)
    assert state.best.val_accuracy > 0.95
    assert len(lines) == 6
    assert "epoch   6/6" in lines[-1]
    scores = predict(trainer.network, VALIDATION[0], 20, torch.bfloat16)
    accuracy = score(scores, VALIDATION[1]).accuracy
    assert accuracy == pytest.approx(state.history[-1].val_accuracy)


def test_same_seed_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    first, *_ = run(tmp_path / "a", epochs=2)
    second, *_ = run(tmp_path / "b", epochs=2)
    third, *_ = run(tmp_path / "c", epochs=2, seed=1)
    assert same(first, second)
    assert not same(first, third)


def test_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    whole, *_ = run(tmp_path / "whole", epochs=4)
    run(tmp_path / "parts", epochs=2)
    resumed, _, lines = run(tmp_path / "parts", epochs=4)
    assert lines[0].startswith("resumed after epoch 2")
    assert same(whole, resumed)


def test_the_comparison_notices_another_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, *_ = run(tmp_path / "whole", epochs=4)
    run(tmp_path / "parts", epochs=2)
    monkeypatch.setattr(training, "shuffled", lambda n, seed, epoch: shuffled(n, seed, epoch - 2))
    resumed, *_ = run(tmp_path / "parts", epochs=4)
    assert not same(whole, resumed)


def test_a_state_of_other_settings_is_set_aside(tmp_path: Path) -> None:
    run(tmp_path, epochs=1, belongs_to={"run": "other"})
    state, _, lines = run(tmp_path, epochs=2)
    assert "other settings" in lines[0]
    assert (tmp_path / "state.other.pt").exists()
    assert [row.epoch for row in state.history] == [1, 2]


def test_history_has_the_stable_columns(tmp_path: Path) -> None:
    run(tmp_path, epochs=2)
    lines = (tmp_path / "history.csv").read_text().splitlines()
    columns = "epoch,train_loss,train_accuracy,val_loss,val_accuracy,epoch_seconds"
    assert lines[0] == columns
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]


def test_the_earliest_of_equally_good_epochs_is_best() -> None:
    rows = [
        training.Epoch(n, 0, 0, 0, accuracy, 1) for n, accuracy in ((1, 0.5), (2, 0.7), (3, 0.7))
    ]
    assert State({}, {}, {}, history=rows).best.epoch == 2


def test_every_image_is_visited_once_and_in_another_order_each_epoch() -> None:
    first, second = shuffled(1000, seed=0, epoch=1), shuffled(1000, seed=0, epoch=2)
    assert torch.equal(first.sort().values, torch.arange(1000))
    assert not torch.equal(first, second)
    assert torch.equal(first, shuffled(1000, seed=0, epoch=1))
    assert not torch.equal(first, shuffled(1000, seed=1, epoch=1))


def test_score_counts_by_hand() -> None:
    scores = torch.full((4, 47), -10.0)
    scores[0, 3] = scores[1, 3] = scores[2, 5] = scores[3, 6] = 10.0
    result = score(scores, torch.tensor([3, 3, 6, 6]))
    assert result.accuracy == 0.75
    assert result.per_class_accuracy[3] == 1.0
    assert result.per_class_accuracy[6] == 0.5
    assert result.per_class_accuracy[0] is None
    assert result.prediction.tolist() == [3, 3, 5, 6]
    assert result.loss == pytest.approx(20 / 4, abs=1e-3)


def test_float32_is_the_paper_s_arithmetic() -> None:
    settings = TrainingSettings(precision="float32")
    assert choose_precision(settings, torch.device("cpu")) == torch.float32
    assert choose_device(TrainingSettings(device="cpu")).type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_missing_gpu_is_said_at_once() -> None:
    with pytest.raises(UserError, match="finds no GPU"):
        choose_device(TrainingSettings(device="cuda"))
