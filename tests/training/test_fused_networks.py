"""A network of compiled kernels trains as PyTorch's does; weight gradients and compiled code."""

import dataclasses
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
import pytest
import torch
from numba.core.caching import FunctionCache
from torch import Tensor, nn

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.training import hardware
from convnets.training.hardware import Plan, choose_plan, recorded_plan
from convnets.training.kernels import compiled, lanes, modules, weight_gradient
from convnets.training.kernels.modules import bfloat16_convolution
from convnets.training.network import build_network, place
from convnets.training.trainer import Trainer, predict

CHANNELS = 32
FUSED = Plan("cpu", "bfloat16", channels_last=True, cuda_graph=False, kernels="fused")
PYTORCH = dataclasses.replace(FUSED, kernels="pytorch")
METHODS = (
    "no_pooling",
    "stride",
    "dilation",
    "max_pool",
    "avg_pool",
    "max_avg_pool",
    "mix_pool",
)
SETTINGS = TrainingSettings(batch_size=20, learning_rate=0.01)


@pytest.fixture(autouse=True)
def one_thread_and_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.mark.parametrize("method", METHODS)
def test_fused_networks_keep_names_and_weights(method: str) -> None:
    variant = Variant(id=method, method=method, filters=16)
    plain, ours = (place(build_network(variant, 0), plan) for plan in (PYTORCH, FUSED))
    assert [str(module) for module in plain] != [str(module) for module in ours]
    expected = plain.state_dict()
    assert list(ours.state_dict()) == list(expected)
    assert all(torch.equal(value, expected[name]) for name, value in ours.state_dict().items())
    ours.load_state_dict(expected)


def bars(number: int) -> tuple[Tensor, Tensor]:
    """Images whose class, 0 to 3, is where a bright bar stands."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (number,), generator=generator)
    images = torch.randint(0, 60, (number, 28, 28), generator=generator, dtype=torch.uint8)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, 7 * label : 7 * label + 4] = 250
    return images, labels


def trained(variant: Variant, plan: Plan) -> tuple[Trainer, list[float]]:
    """A Trainer after an epoch, and the loss of each step."""
    trainer = Trainer(variant, SETTINGS, 0, plan, bars(200))
    trainer.begin_epoch(1)
    for step in range(len(trainer.batches)):
        trainer.train_step(step)
    return trainer, trainer.losses.tolist()


def relative(found: Tensor, expected: Tensor) -> float:
    """Norm of the difference over the norm of what was expected."""
    return ((found.double() - expected).norm() / expected.norm()).item()


def add_product(builder: Any, total: Any, left: Any, right: Any) -> Any:
    """`weight_gradient.add_product` in instructions that every processor has."""
    for lifted in (
        lambda pairs: builder.and_(pairs, lanes.words(0xFFFF0000)),
        lambda pairs: builder.shl(pairs, lanes.words(16)),
    ):
        factors = [builder.bitcast(lifted(pairs), lanes.FLOATS) for pairs in (left, right)]
        total = builder.fadd(total, builder.fmul(*factors))
    return total


@pytest.fixture(scope="module")
def bfloat16_products() -> Iterator[None]:
    """The kernel of the weight gradient, also on a processor without its instruction."""
    with pytest.MonkeyPatch.context() as patch:
        if not torch.cpu.get_capabilities().get("avx512_bf16"):
            patch.setattr(weight_gradient, "add_product", add_product)
            kernel = numba.njit(error_model="numpy")(weight_gradient.weight_gradient.py_func)
            patch.setattr(modules, "weight_gradient", kernel)
        yield


@pytest.mark.parametrize("batch", [1, 7, 20])
@pytest.mark.parametrize("channels", [16, 64])
@pytest.mark.parametrize(
    ("width", "stride", "padding", "dilation"),
    [(28, 1, 1, 1), (9, 2, 1, 1), (10, 3, 0, 1), (13, 1, 1, 3), (6, 1, 1, 2), (2, 2, 1, 1)],
)
@pytest.mark.usefixtures("bfloat16_products")
def test_the_weight_gradient_is_exact(
    width: int, stride: int, padding: int, dilation: int, channels: int, batch: int
) -> None:
    generator = torch.Generator().manual_seed(width)
    layer = nn.Conv2d(
        channels, CHANNELS, 3, stride, padding, dilation, bias=False, dtype=torch.float64
    )
    values = torch.randn(batch, channels, width, width, generator=generator).bfloat16()
    values = values.to(memory_format=torch.channels_last).requires_grad_()
    layer.weight.data.copy_(layer.weight.data.bfloat16())
    out = bfloat16_convolution(layer)(values)
    slope = torch.randn(out.shape, generator=generator).bfloat16()
    found = torch.autograd.grad(out, [layer.weight, values], slope)
    exact = values.detach().double().requires_grad_()
    expected = torch.autograd.grad(layer(exact), [layer.weight, exact], slope.double())
    assert relative(found[0], expected[0]) < 1e-5
    assert relative(found[1], expected[1]) < 2**-7


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
@pytest.mark.parametrize("method", METHODS)
def test_training_is_that_of_pytorch_s_kernels(method: str, precision: str) -> None:
    variant = Variant(id=method, method=method, filters=32)
    last = precision == "bfloat16" or method != "dilation"
    plans = [
        dataclasses.replace(plan, precision=precision, channels_last=last)
        for plan in (PYTORCH, FUSED)
    ]
    (_, expected), (ours, losses), (again, _) = (
        trained(variant, plan) for plan in (*plans, plans[1])
    )
    tolerance = 0.05 if precision == "bfloat16" else 1e-4
    # A processor that only emulates bfloat16, which `auto` does not choose there, rounds otherwise;
    # so does AMX, where ten steps amplify the difference to 7 %.
    emulated = choose_plan(SETTINGS, variant).precision != "bfloat16"
    otherwise = emulated or torch.cpu.get_capabilities().get("amx_bf16", False)
    steps = 6 if precision == "bfloat16" and otherwise else len(losses)
    assert losses[:steps] == pytest.approx(expected[:steps], rel=tolerance)
    assert losses[-1] < losses[0]
    for name, weights in ours.network.state_dict().items():
        assert torch.equal(weights, again.network.state_dict()[name])
    images, _ = bars(50)
    plain = place(build_network(variant, 0), plans[0])
    plain.load_state_dict(ours.network.state_dict())
    scores = [
        predict(network, images, plan)
        for network, plan in zip((plain, ours.network), plans, strict=True)
    ]
    assert torch.equal(*(values.argmax(dim=1) for values in scores))


def test_a_record_of_before_the_kernels_means_pytorch_s() -> None:
    record = dataclasses.asdict(PYTORCH)
    assert recorded_plan(record | {"kernels": "fused", "seed": 1}, SETTINGS) == FUSED
    del record["kernels"]
    assert recorded_plan(record, SETTINGS) == PYTORCH


def test_pytorch_evaluates_fused_runs_without_numba_and_on_a_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = dataclasses.asdict(FUSED)
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        assert recorded_plan(record, SETTINGS) == PYTORCH
    monkeypatch.setattr(hardware, "choose_device", lambda settings: "cuda")
    assert recorded_plan(record, SETTINGS) == dataclasses.replace(PYTORCH, device="cuda")


COMPILE = """
import numpy as np
from convnets.training.kernels import compiled, lanes, modules, weight_gradient
numbers = np.array([-1, 2] * 8, np.float32)
compiled.relu(numbers, numbers, numbers)
print(sum(compiled.relu.stats.cache_hits.values()))
"""


def compile_in_a_process(folder: Path) -> int:
    """Compile a kernel with the cache in `folder`; how often it was found there."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": "scripts"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_second_process_finds_the_compiled_code(tmp_path: Path) -> None:
    assert [compile_in_a_process(tmp_path) for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("error", [RuntimeError, OSError])
def test_without_a_place_for_compiled_code_each_process_compiles(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    method = "__init__" if error is RuntimeError else "save_overload"
    monkeypatch.setattr(FunctionCache, method, fail)
    assert compiled.compiled(lambda number: number + 1)(1) == 2
