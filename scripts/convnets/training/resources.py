"""What a training job needs of a cluster: time and memory, from the variant and its settings.

Both are generous guesses that grow with the attempts. A job that reaches its time limit loses
nothing: it is warned, saves, and its next attempt goes on from there.
"""

import math

from convnets.architectures.operations import Convolution
from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings

STEP_SECONDS = 0.01
"""Of a training step, whatever its size; a step of validation takes less."""
CPU_MULTIPLY_ADDS, GPU_MULTIPLY_ADDS = 2e10, 2e11
"""Forward multiply-adds of the images that are trained on in a second, passes backward included.

By a thread of a processor: the slowest family in float32 in `benchmarks/results/`. By a GPU of the
paper's own kind, a K80: computed from its published seconds an epoch.
"""
START_SECONDS = 300
"""From the start of a job to its first step: environment, imports and data from a shared disk."""
HEADROOM = 2
MOST = 3
"""Later attempts ask for no more than this one: a partition or a node has its limits too."""
START_MEGABYTES = 4000
"""Of a process that has PyTorch, the libraries of its GPU and the images in memory."""
COPIES = 8
"""How often all features of a step are held at once: values, gradients, work space."""


def training_minutes(
    variant: Variant, images: int, settings: TrainingSettings, attempt: int
) -> int:
    """Time limit of a job that goes through `images` images, those of all its epochs."""
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
