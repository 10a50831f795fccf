"""The plan of a run: which one the rule chooses, and what it sets up."""

import dataclasses
import importlib.util
import re

import pytest
import torch

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core.errors import UserError
from convnets.training import hardware
from convnets.training.hardware import Plan, choose_plan, prepare

POOLING = Variant(id="pooling", method="max_pool")
DILATION = Variant(id="dilation", method="dilation")
LINEAR = Variant(id="linear", method="fully_connected")


def machine(monkeypatch: pytest.MonkeyPatch, gpu: bool = False, features: str = "") -> None:
    """Pretend a machine with or without a GPU, with the processor's features named."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: dict.fromkeys(features.split(), True)
    )


def promise(monkeypatch: pytest.MonkeyPatch, visible: str | None) -> None:
    """Set CUDA_VISIBLE_DEVICES, or unset it."""
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)


@pytest.mark.parametrize(
    ("gpu", "features", "precision", "variant", "plan"),
    [
        (False, "avx2", "auto", POOLING, ("cpu", "float32", True, False, "fused")),
        (False, "avx2", "auto", DILATION, ("cpu", "float32", False, False, "fused")),
        (False, "avx512_bf16", "auto", DILATION, ("cpu", "bfloat16", True, False, "fused")),
        (False, "amx_bf16", "auto", POOLING, ("cpu", "bfloat16", True, False, "fused")),
        (False, "amx_bf16", "float32", POOLING, ("cpu", "float32", True, False, "fused")),
        (False, "amx_bf16", "auto", LINEAR, ("cpu", "bfloat16", True, False, "pytorch")),
        (True, "", "auto", POOLING, ("cuda", "bfloat16", True, True, "pytorch")),
        (True, "", "float32", POOLING, ("cuda", "float32", False, True, "pytorch")),
    ],
)
def test_the_plan_follows_from_settings_variant_and_machine(
    monkeypatch: pytest.MonkeyPatch,
    gpu: bool,
    features: str,
    precision: str,
    variant: Variant,
    plan: tuple[str, str, bool, bool, str],
) -> None:
    machine(monkeypatch, gpu, features)
    settings = dataclasses.replace(TrainingSettings(), precision=precision)
    assert dataclasses.astuple(choose_plan(settings, variant)) == plan


def test_pytorch_computes_without_numba_and_on_several_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine(monkeypatch)
    assert choose_plan(TrainingSettings(threads=2), POOLING).kernels == "pytorch"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert choose_plan(TrainingSettings(threads=1), POOLING).kernels == "pytorch"


def test_a_gpu_is_left_alone_when_the_processor_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine(monkeypatch, gpu=True)
    assert choose_plan(TrainingSettings(device="cpu"), POOLING).device == "cpu"


@pytest.mark.parametrize(
    ("device", "visible"), [("cuda", None), ("cuda", ""), ("cuda", "7"), ("auto", "0,1")]
)
def test_a_promised_gpu_that_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, device: str, visible: str | None
) -> None:
    machine(monkeypatch)
    promise(monkeypatch, visible)
    shown = visible or "empty or not set"
    message = f"training.device is {device} and CUDA_VISIBLE_DEVICES is {shown}. Give the job"
    with pytest.raises(UserError, match=re.escape(message)):
        choose_plan(dataclasses.replace(TrainingSettings(), device=device), POOLING)


@pytest.mark.parametrize(
    ("device", "visible"),
    [("auto", None), ("auto", ""), ("auto", "-1"), ("auto", "NoDevFiles"), ("cpu", "0")],
)
def test_the_processor_computes_where_no_gpu_is_promised(
    monkeypatch: pytest.MonkeyPatch, device: str, visible: str | None
) -> None:
    machine(monkeypatch)
    promise(monkeypatch, visible)
    settings = dataclasses.replace(TrainingSettings(), device=device)
    assert choose_plan(settings, POOLING).device == "cpu"


def test_float32_is_not_rounded_and_algorithms_are_deterministic() -> None:
    prepare(Plan("cpu", "float32", False, False), threads=torch.get_num_threads())
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
    assert torch.are_deterministic_algorithms_enabled()


def test_the_machine_has_a_name() -> None:
    assert hardware.describe("cpu")
