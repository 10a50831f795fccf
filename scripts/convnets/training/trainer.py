"""The training of a variant with one seed, to the checkpoint with the best validation accuracy.

Paper, Section 4: mini-batches of 100, 100 epochs; the epoch with the best validation accuracy (the
earliest, on a tie) is tested. All images stay on the device as uint8 and are scaled there.
"""

import inspect
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core.errors import Interrupted, UserError
from convnets.data.dataset import Dataset
from convnets.runs.progress import Epoch
from convnets.runs.run_folder import RunFolder
from convnets.training.checkpoints import Checkpoints, TrainingState, load_checkpoint
from convnets.training.gpu import TrainingStep, place_on_gpu, record
from convnets.training.hardware import Plan, prepare, recorded_plan
from convnets.training.network import build_network, class_scores, place

SAVE_SECONDS = 60.0
"""The state is saved this often within an epoch, and after each epoch."""

EVALUATION_BATCH = 500
"""Images per batch outside of training."""

LabelledTensors = tuple[Tensor, Tensor]
"""uint8 images (number, 28, 28) and int64 labels (number,), on the device."""


def go_on() -> None:
    """A check that never interrupts."""


class Trainer:
    """Network, optimiser and training images of a run. No step waits for the device's results."""

    def __init__(
        self,
        variant: Variant,
        settings: TrainingSettings,
        seed: int,
        plan: Plan,
        train_part: LabelledTensors,
    ) -> None:
        self.settings, self.seed, self.plan = settings, seed, plan
        self.images, self.labels = train_part
        self.network = place(build_network(variant, seed), plan)
        adam = settings.optimizer == "adam"
        options: dict[str, Any] = {"capturable": plan.cuda_graph} if adam else {}
        self.optimizer = without_compiler(torch.optim.Adam if adam else torch.optim.SGD)(
            self.network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
            **options,
        )
        self.batches: tuple[Tensor, ...]
        """Indices of the images of each step of the epoch."""
        self.losses: Tensor
        """Mean loss of each step of the epoch, float32 (steps,), on the device."""
        self.corrects: Tensor
        """Images that each step classified correctly, int64 (steps,), on the device."""
        self._recorded: TrainingStep | None = None

    def begin_epoch(self, epoch: int) -> None:
        """Shuffle the images into the batches of epoch `epoch`, and reset the results."""
        order = shuffled(len(self.labels), self.seed, epoch).to(self.plan.device)
        self.batches = order.split(self.settings.batch_size)
        self.losses = torch.zeros(len(self.batches), device=self.plan.device)
        self.corrects = torch.zeros_like(self.losses, dtype=torch.int64)
        self.network.train()

    def train_step(self, step: int) -> None:
        """Train on batch `step` of the epoch, counted from 0."""
        batch = self.batches[step]
        update: TrainingStep = self.update
        if self.plan.cuda_graph and len(batch) == self.settings.batch_size:
            if self._recorded is None:
                self._recorded = record(self.update, batch, self.network, self.optimizer)
            update = self._recorded
        self.losses[step], self.corrects[step] = update(batch)

    def update(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Take one optimiser step; the mean loss and the correct predictions before it."""
        labels = self.labels[batch]
        self.optimizer.zero_grad()
        with self.plan.autocast():
            scores = class_scores(self.network, self.images[batch])
        loss = cross_entropy(scores, labels)
        loss.backward()
        self.optimizer.step()
        return loss.detach(), (scores.detach().argmax(dim=1) == labels).sum()

    def training_result(self) -> tuple[float, float]:
        """Mean loss and accuracy over the images of the epoch, measured during training."""
        sizes = torch.tensor([len(batch) for batch in self.batches], dtype=torch.float64)
        loss = (self.losses.cpu().double() * sizes).sum() / sizes.sum()
        return loss.item(), (self.corrects.sum().cpu() / sizes.sum()).item()

    def validate(
        self, part: LabelledTensors, check: Callable[[], None] = go_on
    ) -> tuple[float, float]:
        """Mean loss and accuracy on `part`; `check` is called between batches."""
        images, labels = part
        scores = predict(self.network, images, self.plan, check)
        correct = (scores.argmax(dim=1) == labels).sum().item()
        return cross_entropy(scores, labels).item(), correct / len(labels)


def to_device(dataset: Dataset, part: str, device: str) -> LabelledTensors:
    """Images and labels of a part of the split, on the device."""
    images, labels = dataset.part(part)
    return torch.from_numpy(images).to(device), torch.from_numpy(labels).long().to(device)


@torch.no_grad()
def predict(
    network: nn.Module, images: Tensor, plan: Plan, check: Callable[[], None] = go_on
) -> Tensor:
    """Class scores (number, 47), float32, of uint8 `images` (number, 28, 28)."""
    network.eval()
    scores = []
    with plan.autocast():
        for batch in images.split(EVALUATION_BATCH):
            check()
            scores.append(class_scores(network, batch))
    return torch.cat(scores)


def scores_of_weights(
    variant: Variant, weights: dict[str, Tensor], images: np.ndarray, plan: Plan
) -> np.ndarray:
    """Class scores (number, 47), float32, by the network with `weights`."""
    network = place(build_network(variant, seed=0), plan)
    network.load_state_dict(weights)
    return predict(network, torch.from_numpy(images).to(plan.device), plan).cpu().numpy()


def scores_of_checkpoint(run: RunFolder, images: np.ndarray, runs_per_gpu: int) -> np.ndarray:
    """Class scores (number, 47), float32, by the best checkpoint of `run`."""
    plan = recorded_plan(run.record, run.settings)
    with place_on_gpu(plan.device, runs_per_gpu, go_on, print):
        prepare(plan, run.settings.threads)
        return scores_of_weights(run.variant, load_checkpoint(run, plan.device), images, plan)


def shuffled(number: int, seed: int, epoch: int) -> Tensor:
    """The order (number,) in which epoch `epoch` of a run visits the images."""
    sequence = np.random.SeedSequence((seed, epoch))
    return torch.from_numpy(np.random.default_rng(sequence).permutation(number))


class TrainingRun:
    """Trainer, state and checkpoints of a run; `check` can raise `Interrupted` between steps."""

    def __init__(
        self,
        trainer: Trainer,
        state: TrainingState,
        slots: Checkpoints,
        check: Callable[[], None] = go_on,
        save_seconds: float = SAVE_SECONDS,
    ) -> None:
        self.trainer, self.state, self.slots = trainer, state, slots
        self.check, self.save_seconds = check, save_seconds
        self.lap = self.saved = time.monotonic()
        if state.network:
            trainer.network.load_state_dict(state.network)
            trainer.optimizer.load_state_dict(state.optimizer)

    def train(
        self, validation_part: LabelledTensors, epochs: int, report: Callable[[TrainingState], None]
    ) -> None:
        """Train for `epochs` epochs, or until early stopping; call `report` after each.

        Raises:
            Interrupted: `check` raised it; the state is saved.
            UserError: the training diverged; the last finite state is saved.
        """
        try:
            while self.state.last_epoch(epochs, self.trainer.settings.patience) is None:
                self.train_epoch(validation_part)
                self.save()
                self.state.write_history(self.slots.folder / "history.csv")
                report(self.state)
        except Interrupted as signal:
            self.save()
            saved = f"{self.state.position}, saved in {self.slots.newest}"
            raise Interrupted(f"{signal} {saved}") from None

    def train_epoch(self, validation_part: LabelledTensors) -> None:
        """Train for the remaining steps of the current epoch, and validate."""
        trainer, state = self.trainer, self.state
        epoch = len(state.history) + 1
        self.lap = time.monotonic()
        trainer.begin_epoch(epoch)
        trainer.losses[: state.step], trainer.corrects[: state.step] = state.losses, state.corrects
        while state.step < len(trainer.batches):
            trainer.train_step(state.step)
            state.step += 1
            self.check()
            if time.monotonic() - self.saved >= self.save_seconds:
                self.save()
        train_loss, train_accuracy = trainer.training_result()
        val_loss, val_accuracy = trainer.validate(validation_part, self.check)
        self.stop_if_diverged(val_loss)
        self.add_seconds()
        state.history.append(
            Epoch(epoch, train_loss, train_accuracy, val_loss, val_accuracy, state.seconds)
        )
        state.step, state.seconds = 0, 0.0
        if state.best.epoch == epoch:
            weights = trainer.network.state_dict()
            state.best_network = {name: value.clone() for name, value in weights.items()}

    def save(self) -> None:
        """Save the state, unless it diverged. The time this takes is not part of the epoch."""
        self.stop_if_diverged()
        self.add_seconds()
        trainer, state = self.trainer, self.state
        state.network = trainer.network.state_dict()
        state.optimizer = trainer.optimizer.state_dict()
        state.losses = trainer.losses[: state.step].clone()
        state.corrects = trainer.corrects[: state.step].clone()
        self.slots.save(state)
        self.lap = self.saved = time.monotonic()

    def add_seconds(self) -> None:
        """Add the time since the last call to the seconds of the epoch."""
        now = time.monotonic()
        self.state.seconds += now - self.lap
        self.lap = now

    def stop_if_diverged(self, loss: float = 0.0) -> None:
        """Raise a `UserError` unless weights, `loss` and the losses of all steps are finite."""
        trainer, done = self.trainer, self.state.step
        bad = (~trainer.losses[:done].isfinite()).nonzero().flatten().tolist()
        weights = trainer.network.parameters()
        if not bad and not all(tensor.isfinite().all() for tensor in weights):
            bad = [max(done - 1, 0)]
        if not bad and math.isfinite(loss):
            return
        where = f"in step {bad[0] + 1}" if bad else "in validation"
        saved = self.slots.newest
        kept = f"{saved} is kept" if saved.exists() else "No state was saved before"
        raise UserError(
            f"the training diverged: loss or weights are not finite {where} of epoch "
            f"{len(self.state.history) + 1}. {kept}. The same command would fail again: delete the "
            "state to start over with a lower training.learning_rate (now "
            f"{trainer.settings.learning_rate}), or with training.precision float32"
        )


def without_compiler(optimizer: type[torch.optim.Optimizer]) -> Any:
    """`optimizer` without the wrappers that import PyTorch's compiler, which takes seconds."""
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {name: inspect.unwrap(getattr(optimizer, name)) for name in names}
    methods["step"] = torch.no_grad()(inspect.unwrap(optimizer.step))
    return type(optimizer.__name__, (optimizer,), methods)
