"""Time and memory of a training job on a cluster: generous estimates that grow with the attempts.

A job that reaches its time limit loses nothing: Slurm warns it, and its next attempt continues.
"""

import math

from convnets.architectures.operations import Convolution
from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings

STEP_SECONDS = 0.01
"""Fixed time of a training step; a step of validation takes less."""
CPU_MULTIPLY_ADDS, GPU_MULTIPLY_ADDS = 2e10, 2e11
"""Forward multiply-adds per second of training, backward passes included.

Of one thread, for the slowest family in `benchmarks/results/`; of the paper's GPU, a K80.
"""
START_SECONDS = 300
"""Time from the start of a job to its first step: environment, imports, data on a shared disk."""
HEADROOM = 2
MOST = 3
"""The attempt from which on requests no longer grow, because partitions and nodes have limits."""
START_MEGABYTES = 4000
"""Memory of a process with PyTorch, the libraries of its GPU, and the images."""
COPIES = 8
"""Number of copies of all features in memory at once: values, gradients, work space."""


def training_minutes(
    variant: Variant, images: int, settings: TrainingSettings, attempt: int
) -> int:
    """Time limit of a job that trains and validates on `images` images over all its epochs."""
    on_cpu = settings.device == "cpu"
    rate = CPU_MULTIPLY_ADDS * settings.threads if on_cpu else GPU_MULTIPLY_ADDS
    step = STEP_SECONDS + settings.batch_size * variant.multiply_adds / rate
    seconds = START_SECONDS + HEADROOM * images / settings.batch_size * step
    return math.ceil(min(attempt, MOST) * seconds / 60)


def training_megabytes(variant: Variant, settings: TrainingSettings, attempt: int) -> int:
    """Main memory of a training job."""
    features = sum(
        operation.channels[1] * operation.size[1] ** 2
        for operation in variant.operations
        if isinstance(operation, Convolution)
    )
    features_bytes = COPIES * 4 * settings.batch_size * features
    return math.ceil(min(attempt, MOST) * (START_MEGABYTES + features_bytes / 1e6))
