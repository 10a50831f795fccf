"""Lower bounds of a training step: its arithmetic, and the bytes that it must move.

*Arithmetic*: two operations for each multiply-add, and the multiply-adds of the forward pass
again for the gradient of the weights and again for the gradient of the input, which the first
layer does not need. Multiplications with zero padding count, pooling, ReLU and loss do not.

*Bytes*: each operation reads what it needs and writes what it makes once, at the element size
of the plan. With `in` and `out` the numbers of features that go in and out:

                          forward              gradient of weights    gradient of input
    convolution, linear   in + weights + out   in + out + weights     out + weights + in
    pooling, mean         in + out                                    out + in

ReLU is free (it can be done in passing where its input is written), as are loss, masks and
indices. The optimiser reads weights and gradients and reads and writes its moments, in float32.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from convnets.architectures.operations import Linear, Operation, Spatial
from convnets.architectures.variant import HEAD_SIZE, Variant
from convnets.config.settings import TrainingSettings

MOMENTS = {"adam": 2, "sgd": 0}
"""Numbers that the optimiser keeps for each weight."""
FLOAT32_BYTES = 4


@dataclass(frozen=True)
class Work:
    """The least of what one training step of a batch does."""

    operations: float
    """Floating-point operations: additions and multiplications."""
    bytes: float
    """Bytes read and written."""


@dataclass(frozen=True)
class Stage:
    """An operation with the numbers of what it reads and makes, for one image."""

    features_in: int
    features_out: int
    weights: int = 0
    multiply_adds: int = 0


def step_work(variant: Variant, settings: TrainingSettings, element_bytes: int) -> Work:
    """The least work of a training step of `variant`, with elements of `element_bytes`."""
    batch = settings.batch_size
    multiply_adds, elements = 0, 0
    for index, stage in enumerate(stages(variant)):
        has_input_gradient = index > 0
        features = batch * (stage.features_in + stage.features_out)
        passes = 1 + bool(stage.weights) + has_input_gradient
        multiply_adds += passes * batch * stage.multiply_adds
        elements += passes * (features + stage.weights)
    per_weight = 1 + 1 + 1 + 2 * MOMENTS[settings.optimizer]  # weight in, gradient in, weight out
    optimiser = FLOAT32_BYTES * per_weight * variant.parameters
    return Work(2 * multiply_adds, element_bytes * elements + optimiser)


def stages(variant: Variant) -> Iterator[Stage]:
    """The operations of `variant` in order, with the mean that its head may take."""
    *hidden, last = variant.operations
    features = 0
    for operation in hidden:
        stage = _stage(operation)
        features = stage.features_out
        yield stage
    assert isinstance(last, Linear)
    if variant.is_convolutional and variant.head == "averaged" and variant.sizes[-1] != HEAD_SIZE:
        yield Stage(features, last.features[0])
    yield _stage(last)


def largest_features(variant: Variant) -> int:
    """Numbers in the largest features, for one image, that one operation hands to the next."""
    return max(stage.features_out for stage in stages(variant))


def _stage(operation: Operation) -> Stage:
    if isinstance(operation, Spatial):
        (into, out), (before, after) = operation.channels, operation.size
        features = (into * before**2, out * after**2)
    else:
        assert isinstance(operation, Linear)
        features = operation.features
    return Stage(*features, operation.parameters, operation.multiply_adds)
