"""Training: a variant, a data set and a seed give the checkpoint that validates best.

Paper, Section 4: mini-batches of 100, 100 epochs, the epoch with the best validation
accuracy (the earliest, on a tie) is the one that is tested. All images stay on the device
as uint8 and are scaled there.
"""

import csv
import dataclasses
import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from convnets.files import atomic_write, write_text
from convnets.network import build_network, class_scores
from convnets.settings import TrainingSettings
from convnets.variant import Variant

Part = tuple[Tensor, Tensor]
"""uint8 images (number, 28, 28) and int64 labels (number,), on the device."""


@dataclass(frozen=True)
class Epoch:
    """One row of `history.csv`.

    Losses are means over images, accuracies fractions. Training values are those seen while
    the weights change; the seconds hold training and validation.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    epoch_seconds: float


@dataclass
class State:
    """Everything a run needs to go on after an epoch as if nothing had happened.

    The order of the images is not in it: it follows from (seed, epoch).
    """

    belongs_to: dict[str, Any]
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    best_network: dict[str, Tensor] = field(default_factory=dict)
    history: list[Epoch] = field(default_factory=list)

    @property
    def best(self) -> Epoch:
        """The epoch with the best validation accuracy, the earliest on a tie."""
        return max(self.history, key=lambda row: row.val_accuracy)


class Trainer:
    """One run: holds network, optimiser and images, and advances an epoch at a time."""

    def __init__(
        self,
        variant: Variant,
        settings: TrainingSettings,
        seed: int,
        device: torch.device,
        precision: torch.dtype,
    ) -> None:
        self.settings, self.seed, self.device, self.precision = settings, seed, device, precision
        self.network = place(build_network(variant, seed), device, precision)
        self.optimizer = _optimizer(self.network, settings)

    def train_epoch(self, part: Part, epoch: int) -> tuple[float, float]:
        """Train once on every image; return mean loss and accuracy seen on the way."""
        images, labels = part
        self.network.train()
        loss_sum = torch.zeros((), device=self.device)
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        order = shuffled(len(labels), self.seed, epoch).to(self.device)
        for batch in order.split(self.settings.batch_size):
            with torch.autocast(self.device.type, self.precision, enabled=self._mixed):
                scores = class_scores(self.network, images[batch])
            loss = cross_entropy(scores, labels[batch])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.detach() * len(batch)
            correct += (scores.detach().argmax(dim=1) == labels[batch]).sum()
        return loss_sum.item() / len(labels), correct.item() / len(labels)

    def validate(self, part: Part) -> tuple[float, float]:
        """Mean loss and accuracy on `part`."""
        _, labels = part
        scores = predict(self.network, part[0], self.settings.batch_size, self.precision)
        correct = (scores.argmax(dim=1) == labels).sum().item()
        return cross_entropy(scores, labels).item(), correct / len(labels)

    @property
    def _mixed(self) -> bool:
        return self.precision != torch.float32


def place(network: nn.Module, device: torch.device, precision: torch.dtype) -> nn.Module:
    """Move `network` to `device`, in the memory layout that is fast at `precision`.

    Channels last pays in bfloat16; in float32 it makes dilated convolutions slower.
    """
    network.to(device)
    if precision != torch.float32:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


@torch.no_grad()
def predict(network: nn.Module, images: Tensor, batch_size: int, precision: torch.dtype) -> Tensor:
    """Class scores (number, 47), float32, of uint8 `images` (number, 28, 28)."""
    network.eval()
    mixed = precision != torch.float32
    with torch.autocast(images.device.type, precision, enabled=mixed):
        return torch.cat([class_scores(network, batch) for batch in images.split(batch_size)])


def shuffled(number: int, seed: int, epoch: int) -> Tensor:
    """The order (number,) in which epoch `epoch` of a run visits the images."""
    sequence = np.random.SeedSequence((seed, epoch))
    return torch.from_numpy(np.random.default_rng(sequence).permutation(number))


def train(
    trainer: Trainer,
    train_part: Part,
    validation_part: Part,
    epochs: int,
    folder: Path,
    belongs_to: dict[str, Any],
    log: Callable[[str], None],
) -> State:
    """Train for `epochs` epochs, or go on from the state in `folder`; return the final state.

    After each epoch `history.csv` and the resumable `state.pt` in `folder` are brought up to
    date. `belongs_to` says which run a state is of: one of another run is set aside.
    """
    state = _resume(trainer, epochs, folder, belongs_to, log)
    for epoch in range(len(state.history) + 1, epochs + 1):
        start = time.perf_counter()
        train_loss, train_accuracy = trainer.train_epoch(train_part, epoch)
        val_loss, val_accuracy = trainer.validate(validation_part)
        seconds = time.perf_counter() - start
        state.history.append(
            Epoch(epoch, train_loss, train_accuracy, val_loss, val_accuracy, seconds)
        )
        if state.best.epoch == epoch:
            weights = trainer.network.state_dict()
            state.best_network = {name: value.clone() for name, value in weights.items()}
        state.network = trainer.network.state_dict()
        state.optimizer = trainer.optimizer.state_dict()
        save(folder / "state.pt", vars(state) | {"history": history_rows(state)})
        write_history(folder / "history.csv", state)
        log(_line(state, epochs))
    return state


def save(path: Path, value: Any) -> None:
    """Write tensors and plain values, atomically."""
    with atomic_write(path) as file:
        torch.save(value, file)


def write_history(path: Path, state: State) -> None:
    """Write `history.csv`, a row an epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [item.name for item in dataclasses.fields(Epoch)])
    writer.writeheader()
    writer.writerows(history_rows(state))
    write_text(path, text.getvalue())


def history_rows(state: State) -> list[dict[str, float]]:
    """The history as plain dictionaries."""
    return [dataclasses.asdict(row) for row in state.history]


def _resume(
    trainer: Trainer,
    epochs: int,
    folder: Path,
    belongs_to: dict[str, Any],
    log: Callable[[str], None],
) -> State:
    path = folder / "state.pt"
    if path.exists():
        saved = torch.load(path, map_location=trainer.device, weights_only=True)
        saved["history"] = [Epoch(**row) for row in saved["history"]]
        state = State(**saved)
        if state.belongs_to == belongs_to and len(state.history) <= epochs:
            trainer.network.load_state_dict(state.network)
            trainer.optimizer.load_state_dict(state.optimizer)
            log(f"resumed after epoch {len(state.history)} from {path}")
            return state
        aside = path.with_suffix(".other.pt")
        path.replace(aside)
        log(f"{path} is of a run with other settings: kept as {aside.name}, starting at epoch 1")
    return State(belongs_to, trainer.network.state_dict(), trainer.optimizer.state_dict())


def _optimizer(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    kinds = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    return kinds[settings.optimizer](
        network.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def _line(state: State, epochs: int) -> str:
    row, best = state.history[-1], state.best
    left = (epochs - row.epoch) * sum(r.epoch_seconds for r in state.history) / row.epoch
    return (
        f"epoch {row.epoch:3d}/{epochs}"
        f"  train loss {row.train_loss:.4f} acc {row.train_accuracy:.4f}"
        f"  validation loss {row.val_loss:.4f} acc {row.val_accuracy:.4f}"
        f"  {row.epoch_seconds:.1f} s  best {best.val_accuracy:.4f} at {best.epoch}"
        f"  about {left / 60:.1f} min left"
    )
