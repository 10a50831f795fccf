"""Which device and precision a run uses, and what they are called."""

import os
import platform

import torch

from convnets.errors import UserError
from convnets.settings import TrainingSettings

BFLOAT16_FEATURES = ("amx_bf16", "avx512_bf16")
"""Processor features that multiply bfloat16 faster than float32."""


def choose_device(settings: TrainingSettings) -> torch.device:
    """The device that the settings ask for.

    Raises:
        UserError: `device: cuda` on a machine where PyTorch sees no GPU.
    """
    available = torch.cuda.is_available()
    if settings.device == "cuda" and not available:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
        raise UserError(
            f"training.device is cuda, but PyTorch {torch.__version__} finds no GPU "
            f"(CUDA_VISIBLE_DEVICES: {visible}); give the job a GPU, install a CUDA build of "
            "PyTorch, or set training.device to auto or cpu"
        )
    return torch.device("cuda" if available and settings.device != "cpu" else "cpu")


def choose_precision(settings: TrainingSettings, device: torch.device) -> torch.dtype:
    """The type of the products: bfloat16 where the processor has it, unless settings say else."""
    if settings.precision != "auto":
        return torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        supported = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        features = torch.cpu.get_capabilities()
        supported = any(features.get(name, False) for name in BFLOAT16_FEATURES)
    return torch.bfloat16 if supported else torch.float32


def prepare(settings: TrainingSettings) -> tuple[torch.device, torch.dtype]:
    """Set threads and deterministic algorithms; return device and precision of the run."""
    torch.set_num_threads(settings.threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    torch.use_deterministic_algorithms(True)
    device = choose_device(settings)
    return device, choose_precision(settings, device)


def describe(device: torch.device) -> str:
    """Name of the processor or GPU, as its maker calls it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return _cpu_name()


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
