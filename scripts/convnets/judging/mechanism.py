"""Claims on how layers work, judged by computing with them: parameters, im2col, max pooling.

Each measure has a value, the range of its repetitions, and a text on how it came about. None of
them needs a trained network.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from timeit import timeit
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, max_pool2d, pad, unfold

from convnets.architectures.operations import Convolution
from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.training.hardware import choose_plan, describe, prepare
from convnets.training.trainer import Trainer

DILATIONS: dict[str, dict[str, Any]] = {
    "i+1": {"dilation": (1, 2, 3, 4)},
    "i+2": {"dilation": (2, 3, 4, 5)},
    "i+3": {"dilation": (3, 4, 5, 6), "dilated_padding": 2, "dilated_stride": (1, 1, 1, 2)},
    "2": {"dilation": 2},
}
"""The dilations of Table 5 by their names there."""
KERNEL = 3
CHANNELS = 64
"""Number of filters of the paper's default architecture (Section 4)."""
WIDTH = 27
"""A multiple of the kernel, so that windows that do not overlap cover all pixels."""
BATCH_IMAGES = 800  # of an epoch whose seconds are compared
REPEATS = 5
Measure = dict[str, Any]
"""A measured number: `value`, `low`, `high` and, in words, `how`."""


def measure_mechanism() -> dict[str, Measure]:
    """All measures by name, as `config/claims.yaml` asks for them."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(1, CHANNELS, WIDTH, WIDTH, generator=generator)
    kernels = torch.randn(CHANNELS, CHANNELS, KERNEL, KERNEL, generator=generator)
    return {
        **dilation_against_none(),
        **parameters_of_whole_maps(),
        "elementwise_over_im2col_seconds": _times_as_long(
            partial(elementwise_convolution, images, kernels),
            partial(im2col_convolution, images, kernels),
            f"median of {REPEATS} forward passes each of {len(images)} images of {CHANNELS} "
            f"channels and {WIDTH}×{WIDTH} pixels on a processor; the elementwise way loops over "
            "pixels only",
        ),
        "im2col_over_input_size_at_stride_1": size_of_im2col(images, 1),
        "im2col_over_input_size_at_stride_of_kernel": size_of_im2col(images, KERNEL),
        **gradient_of_max_pooling(images[:, :, :26, :26]),
        # Last, since it sets up the process for training.
        "epoch_seconds_with_batch_32_over_100": cost_of_small_batches(),
    }


def dilation_against_none() -> dict[str, Measure]:
    """Each dilated network against the same network with dilation 1."""
    pairs = [
        [Variant("dilation", "dilation", **keys | changed) for changed in ({}, {"dilation": 1})]
        for keys in DILATIONS.values()
    ]
    how = f"networks with dilation {', '.join(DILATIONS)} over the same with 1"

    def over_none(measure: Callable[[Variant], float]) -> Measure:
        return _of([measure(dilated) / measure(plain) for dilated, plain in pairs], how)

    image, kernel = torch.zeros(1, 1, 28, 28), torch.zeros(1, 1, KERNEL, KERNEL)
    outputs = [conv2d(image, kernel, padding=rate, dilation=rate) for rate in range(1, 7)]
    widths = [output.shape[-1] / image.shape[-1] for output in outputs]
    alone = Variant("dilation", "dilation", dilation=(3, 4, 5, 6), dilated_padding=2)
    shown = f"widths {'→'.join(map(str, alone.sizes))} without any stride"
    return {
        "parameters_with_over_without_dilation": over_none(lambda variant: variant.parameters),
        "receptive_field_with_over_without_dilation": over_none(lambda v: v.receptive_field),
        "multiply_adds_per_output_with_over_without_dilation": over_none(_multiply_adds_per_output),
        "output_over_input_width_of_a_dilated_convolution": _of(
            widths, "28×28 pixels padded by the dilation, dilations 1 to 6"
        ),
        "smallest_width_of_i3_with_padding_2_alone": _of([min(alone.sizes)], shown),
    }


def parameters_of_whole_maps() -> dict[str, Measure]:
    """Parameters of the networks that reduce feature maps least over those of dilation i+2."""
    variants = {
        "parameters_of_no_pooling_over_dilation": Variant("a", "no_pooling"),
        "parameters_of_constant_over_growing_dilation": Variant("a", "dilation", dilation=2),
    }
    measures, other = {}, Variant("b", "dilation")
    for name, variant in variants.items():
        flat, other_flat = (replace(v, head="flattened").parameters for v in (variant, other))
        how = f"{flat / other_flat:.3g} with a flattened head"
        measures[name] = _of([variant.parameters / other.parameters], how)
    return measures


def cost_of_small_batches() -> Measure:
    """Seconds of an epoch in batches of 32 over one in batches of 100, by the training program."""
    variant = Variant("max_pool_2", "max_pool")
    settings = TrainingSettings(device="cuda" if torch.cuda.is_available() else "cpu")
    plan = choose_plan(settings, variant)
    prepare(plan, settings.threads)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (BATCH_IMAGES, 28, 28), generator=generator, dtype=torch.uint8)
    part = images.to(plan.device), torch.zeros(BATCH_IMAGES, dtype=torch.int64, device=plan.device)

    def training(size: int) -> Callable[[], object]:
        trainer = Trainer(variant, replace(settings, batch_size=size), 0, plan, part)
        return partial(epoch, trainer)

    def epoch(trainer: Trainer) -> None:
        trainer.begin_epoch(1)
        for step in range(len(trainer.batches)):
            trainer.train_step(step)
        trainer.training_result()  # waits for the device

    how = (
        f"median of {REPEATS} times training on {BATCH_IMAGES} images with max pooling, F = 2, on "
        f"{describe(plan.device)} in {plan.precision}"
    )
    return _times_as_long(training(32), training(100), how)


def elementwise_convolution(images: Tensor, kernels: Tensor) -> Tensor:
    """Equation 1, output pixel by output pixel, with stride 1 and padding 1 (paper, Section 2)."""
    padded = pad(images, (1, 1, 1, 1))
    rows = []
    for row in range(images.shape[2]):
        windows = [
            padded[:, None, :, row : row + KERNEL, column : column + KERNEL]
            for column in range(images.shape[3])
        ]
        rows.append(torch.stack([(kernels * w).sum(dim=(2, 3, 4)) for w in windows], dim=-1))
    return torch.stack(rows, dim=-2)


def im2col_convolution(images: Tensor, kernels: Tensor) -> Tensor:
    """The same by "serialization": windows become columns of one matrix product."""
    columns = unfold(images, KERNEL, padding=1)
    product = kernels.flatten(start_dim=1) @ columns
    return product.unflatten(-1, images.shape[2:])


def size_of_im2col(images: Tensor, stride: int) -> Measure:
    """Numbers in the columns over numbers in the images, without padding."""
    ratio = unfold(images, KERNEL, stride=stride).numel() / images.numel()
    return _of([ratio], f"{KERNEL}×{KERNEL} windows with stride {stride} of {WIDTH}×{WIDTH} pixels")


def gradient_of_max_pooling(images: Tensor) -> dict[str, Measure]:
    """Share that 2x2 max pooling with stride 2 discards, and the pixels that get its gradient."""
    inputs = images.clone().requires_grad_()
    pooled = max_pool2d(inputs, kernel_size=2, stride=2)
    pooled.backward(torch.ones_like(pooled))
    assert inputs.grad is not None
    is_maximum = images == interpolate(pooled.detach(), scale_factor=2)
    gradient = inputs.grad.abs()
    reached = (gradient[is_maximum] > 0).double().mean().item()
    elsewhere = (gradient[~is_maximum].sum() / gradient.sum()).item()
    how = "2×2 windows with stride 2 of random features, gradient by automatic differentiation"
    return {
        "share_discarded_by_max_pooling": _of([1 - pooled.numel() / images.numel()], how),
        "share_of_maxima_with_gradient": _of([reached], how),
        "share_of_gradient_elsewhere": _of([elsewhere], how),
    }


def _multiply_adds_per_output(variant: Variant) -> float:
    """Multiply-adds of the last dilated convolution for each of its outputs."""
    *_, last = (op for op in variant.operations if isinstance(op, Convolution))
    return last.multiply_adds / (last.channels[1] * last.size[1] ** 2)


def _times_as_long(one: Callable[[], object], other: Callable[[], object], how: str) -> Measure:
    """Seconds of `one` over those of `other`, in turns; the first turn warms up."""
    ratios = [timeit(one, number=1) / timeit(other, number=1) for _ in range(1 + REPEATS)]
    return _of(ratios[1:], how)


def _of(values: Sequence[float], how: str) -> Measure:
    middle = statistics.median(values)
    return {"value": middle, "low": min(values), "high": max(values), "how": how}
