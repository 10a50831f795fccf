"""The plan by which a run computes on this machine, and the settings of the process for it.

Every plan trains the same network on the same batches with the same updates; plans differ in
rounding and speed. `benchmarks/` compares them with a plain loop.
"""

import contextlib
import ctypes
import dataclasses
import importlib.util
import os
import platform
from dataclasses import dataclass
from typing import Any, Literal

import torch

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings, parse
from convnets.core.errors import UserError
from convnets.core.kinds import LOOSE

BFLOAT16_FEATURES = ("amx_bf16", "avx512_bf16")
"""Processor features that multiply bfloat16 faster than float32."""
NO_DEVICES = ("", "-1", "NoDevFiles")
"""Values of `CUDA_VISIBLE_DEVICES` for no GPU; the last one is Slurm's."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's `mallopt`."""


@dataclass(frozen=True)
class Plan:
    """The device, precision and kernels of a run, which `choose_plan` chooses."""

    __pydantic_config__ = LOOSE

    device: Literal["cpu", "cuda"]
    precision: Literal["bfloat16", "float32"]
    """Precision of the products. Weights, optimiser and sums are always float32."""
    channels_last: bool
    """Whether the memory layout of features is (batch, height, width, channels)."""
    cuda_graph: bool
    """Whether all steps of an epoch replay one recorded step."""
    kernels: Literal["fused", "pytorch"] = "pytorch"
    """`fused`: `training.kernels` compute the parts of the network that they support."""

    def autocast(self) -> torch.autocast:
        """The context in which the network computes."""
        mixed = self.precision == "bfloat16"
        return torch.autocast(self.device, torch.bfloat16, enabled=mixed, cache_enabled=False)


def choose_plan(settings: TrainingSettings, variant: Variant) -> Plan:
    """The fastest plan that the settings allow on this machine.

    Channels last suits matrix units, and also float32 on processors, except that some processors
    then compute dilated convolutions many times slower. Raises as `choose_device`.
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
    """The device that the settings request.

    A scheduler that assigns a GPU to a job sets `CUDA_VISIBLE_DEVICES`. Then `auto` requires the
    GPU rather than computing on a processor for hours.

    Raises:
        UserError: PyTorch finds no GPU although `device: cuda` or the environment requires one.
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
    """Set the threads, deterministic algorithms, arithmetic and memory of this process."""
    torch.set_num_threads(threads)
    # As use_deterministic_algorithms(True), which imports the compiler first: 0.8 seconds.
    torch.set_deterministic_debug_mode("error")
    # Otherwise new memory is filled with NaN: one more pass over all features.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    # Each step needs the same memory again. The C library (only glibc has this option) keeps it
    # instead of returning it to the system, which would zero it in up to a third of a step's time.
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_THRESHOLD, 2**30)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def describe(device: str) -> str:
    """The manufacturer's name of the processor or GPU."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def with_kernels(plan: Plan, kernels: Literal["fused", "pytorch"]) -> Plan:
    """`plan` with the `kernels` of an earlier attempt. Raises `UserError` if Numba is missing."""
    if kernels == "fused" and not importlib.util.find_spec("numba"):
        raise UserError(
            "this run began with fused kernels, which need numba: install the version in "
            "requirements.lock, or delete the run directory to start over"
        )
    return dataclasses.replace(plan, kernels=kernels)


def recorded_plan(record: dict[str, Any], settings: TrainingSettings) -> Plan:
    """The plan of a finished run on this machine, with fused kernels only if it supports them."""
    values = record | {"device": choose_device(settings)}
    plan = parse(Plan, values, "run.json: the plan of the run")
    fusible = plan.device == "cpu" and importlib.util.find_spec("numba")
    return plan if fusible else dataclasses.replace(plan, kernels="pytorch")


def _multiplies_bfloat16(device: str) -> bool:
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features = torch.cpu.get_capabilities()
    return any(features.get(name, False) for name in BFLOAT16_FEATURES)
