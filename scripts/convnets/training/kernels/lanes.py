"""Vectors of 16 float32 numbers in code that Numba compiles: loaded, computed with, stored.

Arrays are flat and contiguous. int16 elements are bfloat16 numbers, as their bits; unsigned ones
are small whole numbers. LLVM makes of these vectors what the processor has, AVX-512 or other.
"""

from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

LANES = 16
TAPS = 9
"""Weights of a 3 x 3 kernel."""
FLOATS = ir.VectorType(ir.FloatType(), LANES)
WORDS = ir.VectorType(ir.IntType(32), LANES)


class Vector(types.Type):
    """The type of a vector, as Numba's type inference knows it."""

    def __init__(self) -> None:
        super().__init__("Vector")


VECTOR = Vector()


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, FLOATS)


def words(value: int) -> ir.Constant:
    """A vector of equal 32-bit integers."""
    return ir.Constant(WORDS, [value] * LANES)


def element(
    context: Any, builder: Any, array_type: Any, array: Any, index: Any, kind: ir.Type
) -> Any:
    """Pointer to a value of `kind` at `index` of `array`."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), kind.as_pointer())


@intrinsic
def load(typing, array, index):  # type: ignore[no-untyped-def]
    """The 16 numbers of `array` from `index` on."""
    size, kind = array.dtype.bitwidth, array.dtype

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        stored = FLOATS if kind == types.float32 else ir.VectorType(ir.IntType(size), LANES)
        bits = builder.load(element(context, builder, signature.args[0], *arguments[:2], stored))
        bits.align = size // 8
        if kind == types.float32:
            return bits
        wide = builder.zext(bits, WORDS)
        if kind == types.int16:
            return builder.bitcast(builder.shl(wide, words(16)), FLOATS)
        return builder.uitofp(wide, FLOATS)

    return VECTOR(array, types.intp), generate


@intrinsic
def store(typing, array, index, vector):  # type: ignore[no-untyped-def]
    """Write `vector` to `array` from `index` on; bfloat16 rounds to the nearest, ties to even."""
    size, kind = array.dtype.bitwidth, array.dtype

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        stored, value = ir.VectorType(ir.IntType(size), LANES), arguments[2]
        if kind == types.float32:
            stored = FLOATS
        elif kind == types.int16:
            value = builder.trunc(builder.lshr(_round(builder, value), words(16)), stored)
        else:
            value = builder.trunc(builder.fptoui(value, WORDS), stored)
        pointer = element(context, builder, signature.args[0], *arguments[:2], stored)
        builder.store(value, pointer, align=size // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, VECTOR), generate


@intrinsic
def rounded(typing, array, vector):  # type: ignore[no-untyped-def]
    """`vector` as `array` would keep it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        if array.dtype != types.int16:
            return arguments[1]
        bits = builder.and_(_round(builder, arguments[1]), words(0xFFFF0000))
        return builder.bitcast(bits, FLOATS)

    return VECTOR(array, VECTOR), generate


@intrinsic
def filled(typing, number):  # type: ignore[no-untyped-def]
    """A vector of equal numbers."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return spread(builder, arguments[0])

    return VECTOR(types.float32), generate


def _arithmetic(operation: str) -> Callable[..., Any]:
    @intrinsic
    def compute(typing, left, right):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return getattr(builder, operation)(*arguments)

        return VECTOR(VECTOR, VECTOR), generate

    return compute


plus = _arithmetic("fadd")
over = _arithmetic("fdiv")


@intrinsic
def where_above(typing, left, right, then, otherwise):  # type: ignore[no-untyped-def]
    """`then` where `left` is above `right` or `left` is NaN, else `otherwise`."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        left, right, then, otherwise = arguments
        above = builder.fcmp_ordered(">", left, right)
        above = builder.or_(above, builder.fcmp_unordered("uno", left, left))
        return builder.select(above, then, otherwise)

    return VECTOR(VECTOR, VECTOR, VECTOR, VECTOR), generate


@intrinsic
def where_bits(typing, notes, shift, mask, value, then):  # type: ignore[no-untyped-def]
    """`then` where `notes >> shift & mask` is `value`, else zero."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        notes, then = builder.fptoui(arguments[0], WORDS), arguments[4]
        shift, mask, value = (spread(builder, number) for number in arguments[1:4])
        bits = builder.and_(builder.lshr(notes, shift), mask)
        same = builder.icmp_unsigned("==", bits, value)
        return builder.select(same, then, ir.Constant(FLOATS, [0.0] * LANES))

    return VECTOR(VECTOR, types.uint32, types.uint32, types.uint32, VECTOR), generate


@intrinsic
def load_taps(typing, array, index, step):  # type: ignore[no-untyped-def]
    """The weights of a 3 x 3 kernel for 16 channels, a tuple of vectors `step` numbers apart."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        start, taps = arguments[1], []
        for tap in range(TAPS):
            index = builder.add(start, builder.mul(arguments[2], ir.IntType(64)(tap)))
            pointer = element(context, builder, signature.args[0], arguments[0], index, FLOATS)
            taps.append(builder.load(pointer))
            taps[-1].align = 4
        return cgutils.pack_array(builder, taps)

    return types.UniTuple(VECTOR, TAPS)(array, types.intp, types.intp), generate


@intrinsic
def store_taps(typing, array, index, step, taps):  # type: ignore[no-untyped-def]
    """Write what `load_taps` reads."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        for tap, vector in enumerate(cgutils.unpack_tuple(builder, arguments[3])):
            index = builder.add(arguments[1], builder.mul(arguments[2], ir.IntType(64)(tap)))
            pointer = element(context, builder, signature.args[0], arguments[0], index, FLOATS)
            builder.store(vector, pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, taps), generate


@intrinsic
def convolve(typing, pixels, index, width, taps):  # type: ignore[no-untyped-def]
    """16 channels of a 3 x 3 convolution of the pixels, `width` in a row, from `index` on."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        total = ir.Constant(FLOATS, [0.0] * LANES)
        for pixel, weights in _window(context, builder, signature, arguments[:3], arguments[3]):
            total = _multiply_add(builder, pixel, weights, total)
        return total

    return VECTOR(pixels, types.intp, types.intp, taps), generate


@intrinsic
def add_products(typing, pixels, index, width, taps, gradient):  # type: ignore[no-untyped-def]
    """`taps`, each plus its pixel of the window at `index` times `gradient`."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        window = _window(context, builder, signature, arguments[:3], arguments[3])
        sums = [_multiply_add(builder, pixel, arguments[4], total) for pixel, total in window]
        return cgutils.pack_array(builder, sums)

    return taps(pixels, types.intp, types.intp, taps, VECTOR), generate


def _window(
    context: Any, builder: Any, signature: Any, place: Any, taps: Any
) -> Iterator[tuple[Any, Any]]:
    """The pixels of a 3 x 3 window, each as a vector of equal numbers, and the taps on them."""
    pixels, index, width = place
    for tap, weights in enumerate(cgutils.unpack_tuple(builder, taps)):
        row, column = divmod(tap, 3)
        shift = builder.add(builder.mul(width, ir.IntType(64)(row)), ir.IntType(64)(column))
        where = builder.add(index, shift)
        pointer = element(context, builder, signature.args[0], pixels, where, ir.FloatType())
        yield spread(builder, builder.load(pointer)), weights


def _multiply_add(builder: Any, left: Any, right: Any, total: Any) -> Any:
    kind = ir.FunctionType(FLOATS, [FLOATS] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.fma.v16f32")
    return builder.call(function, [left, right, total])


def _round(builder: Any, vector: Any) -> Any:
    """Bits of `vector`, of which the upper half is the nearest bfloat16 number, ties to even."""
    bits = builder.bitcast(vector, WORDS)
    odd = builder.and_(builder.lshr(bits, words(16)), words(1))
    return builder.add(bits, builder.add(odd, words(0x7FFF)))


def spread(builder: Any, number: Any) -> Any:
    """A vector of 16 times `number`."""
    kind = ir.VectorType(number.type, LANES)
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, empty, words(0))
