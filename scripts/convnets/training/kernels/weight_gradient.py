"""The weight gradient of a convolution in bfloat16, on processors with AVX-512 BF16.

Its instruction adds to each of 16 sums the products of two pairs of numbers. Here a pair is a
feature of one image and the same feature of the next: so any stride, padding or dilation fits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from convnets.training.kernels.compiled import compiled
from convnets.training.kernels.lanes import (
    FLOATS,
    INDEX,
    LANES,
    WORDS,
    Memory,
    emitted,
    spread,
    words,
)

INSTRUCTION = "llvm.x86.avx512bf16.dpbf16ps.512"
INPUTS, PLANES = 8, 2
"""Channels of the input, and vectors of channels of the output, of a block of sums in registers."""
OUTPUTS = PLANES * LANES
PACKED_BYTES = 2**18
"""About the size of packed features that stay in the cache while their products are summed."""


@emitted(types.void, None, types.intp, types.intp, None, types.intp)
def _pack(
    builder: Any, features: Memory, first: Any, second: Any, pairs: Memory, place: Any
) -> None:
    """Write 16 pairs of the numbers from `first` and from `second` on; zeros if that is -1."""
    low = builder.zext(features.load(first, features.vector), WORDS)
    there = builder.icmp_signed(">=", second, INDEX(0))
    other = features.load(builder.select(there, second, first), features.vector)
    high = builder.shl(builder.zext(other, WORDS), words(16))
    pairs.store(place, builder.or_(low, builder.select(there, high, words(0))))


@emitted(types.void, *(None, types.intp, None) * 2, None, types.intp, None, types.intp, types.intp)
def _add_products(
    builder: Any,
    left: Memory,
    left_start: Any,
    left_steps: Sequence[Any],
    right: Memory,
    right_start: Any,
    right_steps: Sequence[Any],
    extent: Sequence[Any],
    plane_step: Any,
    sums: Memory,
    place: Any,
    row: Any,
) -> None:
    """Add to a block of `sums` the products of the pixels in `extent` (pairs, rows, columns).

    `left` is the gradient and `right` the inputs. Each has its first pixel, and steps to the next
    pair, row and column; `plane_step` leads to the next plane of `left`. The block begins at
    `place`; the next input channel is `row` numbers further.
    """
    kind = ir.FunctionType(FLOATS, [FLOATS, WORDS, WORDS])
    product = cgutils.get_or_insert_function(builder.module, kind, INSTRUCTION)
    targets = [
        builder.add(place, builder.add(builder.mul(row, INDEX(channel)), INDEX(plane * LANES)))
        for channel in range(INPUTS)
        for plane in range(PLANES)
    ]
    totals = [cgutils.alloca_once_value(builder, sums.load(target, FLOATS)) for target in targets]
    with (
        cgutils.for_range(builder, extent[0]) as pair,
        cgutils.for_range(builder, extent[1]) as line,
        cgutils.for_range(builder, extent[2]) as column,
    ):
        for loop, *steps in zip((pair, line, column), left_steps, right_steps, strict=True):
            left_start = builder.add(left_start, builder.mul(loop.index, steps[0]))
            right_start = builder.add(right_start, builder.mul(loop.index, steps[1]))
        planes = (builder.mul(plane_step, INDEX(plane)) for plane in range(PLANES))
        vectors = [left.load(builder.add(left_start, plane), WORDS) for plane in planes]
        for channel in range(INPUTS):
            pixel = right.load(builder.add(right_start, INDEX(channel)), ir.IntType(32))
            number = spread(builder, pixel)
            for total, vector in zip(totals[PLANES * channel :], vectors, strict=False):
                builder.store(builder.call(product, [builder.load(total), vector, number]), total)
    for target, total in zip(targets, totals, strict=True):
        sums.store(target, builder.load(total))


@compiled
def _pack_pairs(features, batch, pixels, channels, first, number, pairs):  # type: ignore[no-untyped-def]
    """Pack `number` pairs of images from `first` on as (channels / 16, number, pixels, 16)."""
    place = 0
    for channel in range(0, channels, LANES):
        for pair in range(first, first + number):
            start = 2 * pair * pixels * channels + channel
            other = start + pixels * channels if 2 * pair + 1 < batch else -1
            for pixel in range(pixels):
                shift = pixel * channels
                _pack(features, start + shift, other + shift if other >= 0 else -1, pairs, place)
                place += LANES


@compiled
def weight_gradient(gradient, inputs, shapes, geometry, sums):  # type: ignore[no-untyped-def]
    """Gradient of the weights, float32 (kernel, kernel, input channels, output channels).

    Shapes are (batch, height, width, channels) of the input and (rows, columns, channels) of the
    output; geometry is (kernel, stride, padding, dilation). `sums` are zeros at the beginning.
    """
    batch, height, width, channels, rows, columns, filters = shapes
    kernel, stride, padding, dilation = geometry
    total = (batch + 1) // 2
    group = max(1, min(total, PACKED_BYTES // (4 * channels * height * width)))
    left = np.empty(group * rows * columns * filters, np.int32)
    right = np.empty(group * height * width * channels, np.int32)
    left_image, right_image = rows * columns * LANES, height * width * LANES
    for first in range(0, total, group):
        number = min(group, total - first)
        _pack_pairs(gradient, batch, rows * columns, filters, first, number, left)
        _pack_pairs(inputs, batch, height * width, channels, first, number, right)
        left_steps = (left_image, columns * LANES, LANES)
        right_steps = (right_image, stride * width * LANES, stride * LANES)
        for tap in range(kernel * kernel):
            y, x = tap // kernel * dilation - padding, tap % kernel * dilation - padding
            top, left_edge = max(0, -(y // stride)), max(0, -(x // stride))
            bottom = min(rows, (height - 1 - y) // stride + 1)
            right_edge = min(columns, (width - 1 - x) // stride + 1)
            extent = (number, bottom - top, right_edge - left_edge)
            target = (top * columns + left_edge) * LANES
            pixel = ((y + top * stride) * width + x + left_edge * stride) * LANES
            for channel in range(0, channels, INPUTS):
                plane, lane = channel // LANES, channel % LANES
                start = plane * number * right_image + pixel + lane
                for block in range(0, filters, PLANES * LANES):
                    plane_start = block // LANES * number * left_image
                    place = (tap * channels + channel) * filters + block
                    _add_products(
                        *(left, plane_start + target, left_steps),
                        *(right, start, right_steps),
                        *(extent, number * left_image, sums, place, filters),
                    )
