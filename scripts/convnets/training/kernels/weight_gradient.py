"""The weight gradient of a bfloat16 convolution, on processors with AVX-512 BF16.

An AVX-512 BF16 instruction adds the products of two pairs of numbers to each of 16 sums. Here a
pair is the same feature of two successive images, which suits any stride, padding and dilation.
"""

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
    VECTOR,
    WORDS,
    Memory,
    emitted,
    spread,
    vectors_apart,
    words,
)

INSTRUCTION = "llvm.x86.avx512bf16.dpbf16ps.512"
INPUTS, OUTPUTS = 8, 2 * LANES
"""Input and output channels of a block of sums, whose 16 vectors fit in registers."""
PACKED_BYTES = 2**18
"""Approximate size of packed features, which stay in the cache while their products are summed."""

_load_sums, _store_sums = vectors_apart(INPUTS)


@emitted(types.void, None, types.intp, types.intp, None, types.intp)
def _pack(
    builder: Any, features: Memory, first: Any, second: Any, pairs: Memory, place: Any
) -> None:
    """Write 16 pairs of numbers, which begin at `first` and at `second`; zeros if that is -1."""
    low = builder.zext(features.load(first, features.vector), WORDS)
    there = builder.icmp_signed(">=", second, INDEX(0))
    other = features.load(builder.select(there, second, first), features.vector)
    high = builder.shl(builder.zext(other, WORDS), words(16))
    pairs.store(place, builder.or_(low, builder.select(there, high, words(0))))


def add_product(builder: Any, total: Any, left: Any, right: Any) -> Any:
    """16 sums, each plus the products of two pairs of bfloat16 numbers, in one instruction."""
    kind = ir.FunctionType(FLOATS, [FLOATS, WORDS, WORDS])
    instruction = cgutils.get_or_insert_function(builder.module, kind, INSTRUCTION)
    return builder.call(instruction, [total, left, right])


@emitted(types.UniTuple(VECTOR, INPUTS), None, types.intp, None, types.intp, None)
def _add_products(
    builder: Any, left: Memory, left_place: Any, right: Memory, right_place: Any, sums: list[Any]
) -> list[Any]:
    """`sums`, each plus the products of 16 pairs of `left` with its own pair of `right`."""
    vector = left.load(left_place, WORDS)
    places = [builder.add(right_place, INDEX(channel)) for channel in range(INPUTS)]
    pairs = [spread(builder, right.load(place, ir.IntType(32))) for place in places]
    return [
        add_product(builder, total, vector, pair) for total, pair in zip(sums, pairs, strict=True)
    ]


@compiled
def _pack_pairs(features, batch, pixels, channels, first, number, pairs):  # type: ignore[no-untyped-def]
    """Pack `number` pairs of images, from `first` on, as (channels / 16, number, pixels, 16)."""
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
    """Add the weight gradient to `sums`, float32 (kernel, kernel, input channels, output channels).

    Shapes are (batch, height, width, channels) of the inputs and (rows, columns, channels) of the
    outputs; geometry is (kernel, stride, padding, dilation).
    """
    batch, height, width, channels, rows, columns, filters = shapes
    kernel, stride, padding, dilation = geometry
    total = (batch + 1) // 2
    group = max(1, min(total, PACKED_BYTES // (4 * channels * height * width)))
    left = np.empty(group * rows * columns * filters, np.int32)
    right = np.empty(group * height * width * channels, np.int32)
    for first in range(0, total, group):
        number = min(group, total - first)
        _pack_pairs(gradient, batch, rows * columns, filters, first, number, left)
        _pack_pairs(inputs, batch, height * width, channels, first, number, right)
        plane = number * rows * columns * LANES
        for tap in range(kernel * kernel):
            y, x = tap // kernel * dilation - padding, tap % kernel * dilation - padding
            top, bottom = max(0, -(y // stride)), min(rows, (height - 1 - y) // stride + 1)
            start, end = max(0, -(x // stride)), min(columns, (width - 1 - x) // stride + 1)
            for channel in range(0, channels, INPUTS):
                for block in range(0, filters, OUTPUTS):
                    place = (tap * channels + channel) * filters + block
                    low = _load_sums(sums, place, filters)
                    high = _load_sums(sums, place + LANES, filters)
                    for pair in range(number):
                        for row in range(top, bottom):
                            line = (pair * rows + row) * columns * LANES + block // LANES * plane
                            image = channel // LANES * number + pair
                            pixel = (image * height + y + row * stride) * width + x
                            for column in range(start, end):
                                output = line + column * LANES
                                feature = (pixel + column * stride) * LANES + channel % LANES
                                low = _add_products(left, output, right, feature, low)
                                high = _add_products(left, output + plane, right, feature, high)
                    _store_sums(sums, place, filters, low)
                    _store_sums(sums, place + LANES, filters, high)
