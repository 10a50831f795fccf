"""The weight gradient of a convolution in bfloat16, on processors with AVX-512 BF16.

Its instruction adds to each of 16 sums the products of two pairs of numbers. Here a pair is a
feature of one image and the same feature of the next: so any stride, padding or dilation fits.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from convnets.training.kernels.compiled import compiled
from convnets.training.kernels.lanes import FLOATS, LANES, WORDS, element, spread

INSTRUCTION = "llvm.x86.avx512bf16.dpbf16ps.512"
INPUTS, PLANES = 8, 2
"""Channels of the input, and vectors of channels of the output, of a block of sums in registers."""
OUTPUTS = PLANES * LANES
PACKED_BYTES = 2**18
"""About the size of packed features that stay in the cache while their products are summed."""
INDEX = ir.IntType(64)


@intrinsic
def _pack(typing, features, first, second, pairs, place):  # type: ignore[no-untyped-def]
    """Write 16 pairs of the numbers from `first` and from `second` on; zeros if that is -1."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        _, _, second, _, place = arguments
        types_ = signature.args
        halves = ir.VectorType(ir.IntType(16), LANES)

        def wide(index: Any) -> Any:
            pointer = element(context, builder, types_[0], arguments[0], index, halves)
            bits = builder.load(pointer)
            bits.align = 2
            return builder.zext(bits, WORDS)

        low = wide(arguments[1])
        there = builder.icmp_signed(">=", second, ir.Constant(INDEX, 0))
        other = wide(builder.select(there, second, arguments[1]))
        high = builder.shl(other, ir.Constant(WORDS, [16] * LANES))
        high = builder.select(there, high, ir.Constant(WORDS, [0] * LANES))
        target = element(context, builder, types_[3], arguments[3], place, WORDS)
        builder.store(builder.or_(low, high), target, align=4)
        return context.get_dummy_value()

    return types.void(features, types.intp, types.intp, pairs, types.intp), generate


@intrinsic
def _add_products(typing, gradient, inputs, extent, steps, sums, place, row):  # type: ignore[no-untyped-def]
    """Add to a block of `sums` the products of the pixels in `extent` (pairs, rows, columns).

    `gradient` and `inputs` are (array, index of the first pixel); `steps` are how far the next
    pair, row and column is in `gradient`, then in `inputs`, then the next plane of `gradient`. The
    block begins at `place`; the next input channel is `row` numbers further.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        unpack = cgutils.unpack_tuple
        (left, left_start), (right, right_start) = (unpack(builder, a) for a in arguments[:2])
        extent, steps = (unpack(builder, a) for a in arguments[2:4])
        left_type, right_type = signature.args[0].types[0], signature.args[1].types[0]
        product = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(FLOATS, [FLOATS, WORDS, WORDS]), INSTRUCTION
        )
        targets, sums = [], []
        for channel in range(INPUTS):
            for plane in range(PLANES):
                offset = builder.mul(arguments[6], INDEX(channel))
                index = builder.add(arguments[5], builder.add(offset, INDEX(plane * LANES)))
                target = element(context, builder, signature.args[4], arguments[4], index, FLOATS)
                value = builder.load(target)
                value.align = 4
                targets.append(target)
                sums.append(cgutils.alloca_once_value(builder, value))

        def at(start: Any, counters: Any, strides: Any) -> Any:
            for counter, stride in zip(counters, strides, strict=True):
                start = builder.add(start, builder.mul(counter, stride))
            return start

        with (
            cgutils.for_range(builder, extent[0]) as pair,
            cgutils.for_range(builder, extent[1]) as line,
            cgutils.for_range(builder, extent[2]) as column,
        ):
            counters = [loop.index for loop in (pair, line, column)]
            left_index = at(left_start, counters, steps[:3])
            right_index = at(right_start, counters, steps[3:6])
            vectors = []
            for plane in range(PLANES):
                index = builder.add(left_index, builder.mul(steps[6], INDEX(plane)))
                vector = builder.load(element(context, builder, left_type, left, index, WORDS))
                vector.align = 4
                vectors.append(vector)
            for channel in range(INPUTS):
                index = builder.add(right_index, INDEX(channel))
                pointer = element(context, builder, right_type, right, index, ir.IntType(32))
                number = spread(builder, builder.load(pointer))
                for plane, vector in enumerate(vectors):
                    total = sums[PLANES * channel + plane]
                    added = builder.call(product, [builder.load(total), vector, number])
                    builder.store(added, total)
        for target, total in zip(targets, sums, strict=True):
            builder.store(builder.load(total), target, align=4)
        return context.get_dummy_value()

    signature = types.void(gradient, inputs, extent, steps, sums, types.intp, types.intp)
    return signature, generate


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
    for first in range(0, total, group):
        number = min(group, total - first)
        _pack_pairs(gradient, batch, rows * columns, filters, first, number, left)
        _pack_pairs(inputs, batch, height * width, channels, first, number, right)
        left_plane = number * rows * columns * LANES
        right_plane = number * height * width * LANES
        steps = (
            rows * columns * LANES,
            columns * LANES,
            LANES,
            height * width * LANES,
            stride * width * LANES,
            stride * LANES,
            left_plane,
        )
        for tap in range(kernel * kernel):
            y, x = tap // kernel * dilation - padding, tap % kernel * dilation - padding
            top, left_edge = max(0, -(y // stride)), max(0, -(x // stride))
            bottom = min(rows, (height - 1 - y) // stride + 1)
            right_edge = min(columns, (width - 1 - x) // stride + 1)
            extent = (number, bottom - top, right_edge - left_edge)
            pixel = ((y + top * stride) * width + x + left_edge * stride) * LANES
            for channel in range(0, channels, INPUTS):
                plane, lane = channel // LANES, channel % LANES
                start = plane * right_plane + pixel + lane
                for block in range(0, filters, PLANES * LANES):
                    _add_products(
                        (left, block // LANES * left_plane + (top * columns + left_edge) * LANES),
                        (right, start),
                        extent,
                        steps,
                        sums,
                        (tap * channels + channel) * filters + block,
                        filters,
                    )
