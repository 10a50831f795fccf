"""How a run computes on the machine at hand: its plan, and what the plan asks of the process.

Every plan trains the same network on the same batches with the same updates; plans differ in
rounding and speed. `benchmarks/` measures them against a plain loop.
"""

import contextlib
import ctypes
import dataclasses
import importlib.util
import os
import platform
from dataclasses import dataclass
from typing import Literal

import torch

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core.errors import UserError
from convnets.core.kinds import LOOSE

BFLOAT16_FEATURES = ("amx_bf16", "avx512_bf16")
"""Processor features that multiply bfloat16 faster than float32."""
NO_DEVICES = ("", "-1", "NoDevFiles")
"""Values of `CUDA_VISIBLE_DEVICES` that stand for no GPU; the last one is Slurm's."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Switches of glibc's `mallopt`."""


@dataclass(frozen=True)
class Plan:
    """How a run computes. Follows from settings, variant and machine alone: `choose_plan`."""

    __pydantic_config__ = LOOSE

    device: Literal["cpu", "cuda"]
    precision: Literal["bfloat16", "float32"]
    """Of the products. Weights, optimiser and sums are float32 always."""
    channels_last: bool
    """Whether features lie in memory as (batch, height, width, channels)."""
    cuda_graph: bool
    """Whether the steps of an epoch replay one recorded step."""
    kernels: Literal["fused", "pytorch"] = "pytorch"
    """Whether `kernels` compute the parts of the network that they can, or PyTorch all of it."""

    def autocast(self) -> torch.autocast:
        """The context in which the network computes."""
        mixed = self.precision == "bfloat16"
        return torch.autocast(self.device, torch.bfloat16, enabled=mixed, cache_enabled=False)


def choose_plan(settings: TrainingSettings, variant: Variant) -> Plan:
    """The fastest plan that the settings allow on this machine.

    Channels last suits the units that multiply matrices, and on processors float32 too, except
    that some compute dilated convolutions many times slower so.

    Raises:
        UserError: `choose_device` found no GPU.
    """
    device = choose_device(settings)
    precision = settings.precision
    if precision == "auto":
        precision = "bfloat16" if _multiplies_bfloat16(device) else "float32"
    dilated = any(layer[-1].dilation > 1 for layer in variant.layers)
    plain = precision == "float32" and (device == "cuda" or dilated)
    # The fused kernels are faster with the one thread that they use; PyTorch's use all threads.
    fits = device == "cpu" and variant.is_convolutional and settings.threads == 1
    return Plan(
        device,
        precision,
        channels_last=not plain,
        cuda_graph=device == "cuda",
        kernels="fused" if fits and importlib.util.find_spec("numba") else "pytorch",
    )


def choose_device(settings: TrainingSettings) -> Literal["cpu", "cuda"]:
    """The device that the settings ask for.

    A scheduler that gives a job a GPU names it in `CUDA_VISIBLE_DEVICES`. Then `auto` means it,
    and not hours on a processor instead.

    Raises:
        UserError: PyTorch sees no GPU where `device: cuda` or the environment promises one.
    """
    if settings.device == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if settings.device == "auto" and visible in NO_DEVICES:
        return "cpu"
    raise UserError(
        f"PyTorch {torch.__version__} finds no GPU, but training.device is {settings.device} and "
        f"CUDA_VISIBLE_DEVICES is {visible or 'empty or not set'}. Give the job a GPU, install a "
        "CUDA build of PyTorch (README), or set training.device to cpu"
    )


def prepare(plan: Plan, threads: int) -> None:
    """Set up this process for `plan`: threads, deterministic algorithms, arithmetic, memory."""
    torch.set_num_threads(threads)
    # As use_deterministic_algorithms(True), which would import the compiler first: 0.8 seconds.
    torch.set_deterministic_debug_mode("error")
    # Else new memory is filled with NaN: one more pass over all features, which nothing reads.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    _keep_freed_memory()


def describe(device: str) -> str:
    """Name of the processor or GPU, as its maker calls it."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def with_kernels(plan: Plan, kernels: Literal["fused", "pytorch"]) -> Plan:
    """`plan` with the kernels that a run began with. A `UserError` if they are not installed."""
    if kernels == "fused" and not importlib.util.find_spec("numba"):
        raise UserError(
            "this run began with fused kernels, which need numba: install the version in "
            "requirements.lock, or delete the run's folder to start over"
        )
    return dataclasses.replace(plan, kernels=kernels)


def _multiplies_bfloat16(device: str) -> bool:
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features = torch.cpu.get_capabilities()
    return any(features.get(name, False) for name in BFLOAT16_FEATURES)


def _keep_freed_memory() -> None:
    """Let the C library keep what tensors free instead of handing it back to the system.

    Each step needs the memory of the last one again, and the system would zero it page by page:
    up to a third of a step's time. Only glibc has the switch; elsewhere nothing changes.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_THRESHOLD, 2**30)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
