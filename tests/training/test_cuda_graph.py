"""The recorded step: its rehearsal leaves no trace, and on a GPU it is the step itself."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.training import trainer as training
from convnets.training.checkpoints import Checkpoints
from convnets.training.gpu import put_back
from convnets.training.hardware import Plan, choose_plan, prepare
from convnets.training.trainer import LabelledTensors, Trainer, TrainingRun

METHODS = (
    "fully_connected",
    "no_pooling",
    "stride",
    "dilation",
    "max_pool",
    "avg_pool",
    "max_avg_pool",
)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def images(device: str, number: int = 250) -> LabelledTensors:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (number, 28, 28), dtype=np.uint8)
    labels = generator.integers(0, 47, number)
    return torch.from_numpy(pixels).to(device), torch.from_numpy(labels).to(device)


def trainer(method: str, plan: Plan, optimizer: str = "adam") -> Trainer:
    variant = Variant(id=method, method=method, filters=8)
    settings = TrainingSettings(optimizer=optimizer)  # type: ignore[arg-type]
    prepare(plan, threads=torch.get_num_threads())
    return Trainer(variant, settings, 0, plan, images(plan.device))


def everything(trained: Trainer) -> list[torch.Tensor]:
    moments = [t for state in trained.optimizer.state.values() for t in state.values()]
    return [t.clone() for t in (*trained.network.state_dict().values(), *moments)]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return len(first) == len(second) and all(map(torch.equal, first, second))


@pytest.mark.parametrize("steps_before", [0, 2])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_rehearsal_leaves_no_trace(steps_before: int, optimizer: str) -> None:
    plan = Plan("cpu", "float32", channels_last=False, cuda_graph=False)
    rehearsed, untouched = (trainer("max_pool", plan, optimizer) for _ in range(2))
    for one in (rehearsed, untouched):
        one.begin_epoch(1)
        for step in range(steps_before):
            one.train_step(step)
    before = everything(rehearsed)
    addresses = [weights.data_ptr() for weights in rehearsed.network.parameters()]
    with put_back(rehearsed.network, rehearsed.optimizer):
        rehearsed.update(rehearsed.batches[0])
        assert not same(everything(rehearsed), before)
    assert [weights.data_ptr() for weights in rehearsed.network.parameters()] == addresses
    for one in (rehearsed, untouched):
        one.train_step(steps_before)
    assert same(everything(rehearsed), everything(untouched))


def test_only_whole_batches_are_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[int] = []

    def pretend(
        step: training.TrainingStep, batch: torch.Tensor, *_: object
    ) -> training.TrainingStep:
        def replay(indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            recorded.append(len(indices))
            return step(indices)

        return replay

    monkeypatch.setattr(training, "record", pretend)
    one = trainer("max_pool", Plan("cpu", "float32", channels_last=False, cuda_graph=False))
    one.plan = dataclasses.replace(one.plan, cuda_graph=True)
    one.begin_epoch(1)
    for step in range(len(one.batches)):
        one.train_step(step)
    assert [len(batch) for batch in one.batches] == [100, 100, 50]
    assert recorded == [100, 100]


@needs_gpu
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
@pytest.mark.parametrize("method", METHODS)
def test_replayed_steps_are_the_steps(method: str, precision: str) -> None:
    finals = []
    for graph in (True, False):
        plan = Plan("cuda", precision, precision != "float32", graph)  # type: ignore[arg-type]
        one = trainer(method, plan)
        for epoch in (1, 2):
            one.begin_epoch(epoch)
            for step in range(len(one.batches)):
                one.train_step(step)
        finals.append([*everything(one), one.losses])
    assert same(*finals)


@needs_gpu
@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("keys", [{}, {"pool_size": 3}, {"pool_size": 3, "pool_stride": 2}])
@pytest.mark.parametrize("method", METHODS)
def test_a_gpu_computes_the_gradients_of_the_processor(
    method: str, keys: dict[str, int], channels_last: bool
) -> None:
    """PyTorch's gradient of padded average pooling is another one in channels last."""
    variant = Variant(id=method, method=method, filters=8, **(keys if "pool_" in method else {}))
    gradients = []
    for device in ("cpu", "cuda"):
        plan = Plan(device, "float32", channels_last, cuda_graph=False)  # type: ignore[arg-type]
        prepare(plan, threads=torch.get_num_threads())
        one = Trainer(variant, TrainingSettings(), 0, plan, images(device))
        one.update(torch.arange(100, device=device))
        gradients.append([weight.grad.cpu() for weight in one.network.parameters()])
    for expected, found in zip(*gradients, strict=True):
        assert (found - expected).norm() < 1e-4 * expected.norm()


@needs_gpu
@pytest.mark.parametrize("method", METHODS)
def test_on_a_gpu_resumed_is_uninterrupted(method: str, tmp_path: Path) -> None:
    settings = TrainingSettings(device="cuda")
    variant = Variant(id=method, method=method, filters=8)
    plan = choose_plan(settings, variant)
    finals = []
    for folder, stops in (("whole", [3]), ("parts", [1, 2, 3])):
        for stop in stops:
            slots = Checkpoints(tmp_path / folder, print)
            state = slots.resume({}, stop, plan.device)
            one = trainer(method, plan)
            TrainingRun(one, state, slots).train(images("cuda", 90), stop, print)
        finals.append(everything(one))
    assert same(*finals)
