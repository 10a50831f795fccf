"""Vectors of 16 float32 numbers in code that Numba compiles: loaded, computed with, stored.

Arrays are flat and contiguous. int16 elements are bfloat16 numbers, as their bits; unsigned ones
are small whole numbers. LLVM makes of these vectors what the processor has, AVX-512 or other.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

LANES = 16
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


def element(context: Any, builder: Any, signature: Any, arguments: Any, kind: ir.Type) -> Any:
    """Pointer to `kind` at index `arguments[1]` of the array `arguments[0]`."""
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), kind.as_pointer())


@intrinsic
def load(typing, array, index):  # type: ignore[no-untyped-def]
    """The 16 numbers of `array` from `index` on."""
    size, kind = array.dtype.bitwidth, array.dtype

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        stored = FLOATS if kind == types.float32 else ir.VectorType(ir.IntType(size), LANES)
        bits = builder.load(element(context, builder, signature, arguments, stored))
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
            bits = builder.bitcast(value, WORDS)
            odd = builder.and_(builder.lshr(bits, words(16)), words(1))
            rounded = builder.add(bits, builder.add(odd, words(0x7FFF)))
            value = builder.trunc(builder.lshr(rounded, words(16)), stored)
        else:
            value = builder.trunc(builder.fptoui(value, WORDS), stored)
        pointer = element(context, builder, signature, arguments, stored)
        builder.store(value, pointer, align=size // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, VECTOR), generate


@intrinsic
def filled(typing, number):  # type: ignore[no-untyped-def]
    """A vector of equal numbers."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _spread(builder, arguments[0])

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
        shift, mask, value = (_spread(builder, number) for number in arguments[1:4])
        bits = builder.and_(builder.lshr(notes, shift), mask)
        same = builder.icmp_unsigned("==", bits, value)
        return builder.select(same, then, ir.Constant(FLOATS, [0.0] * LANES))

    return VECTOR(VECTOR, types.uint32, types.uint32, types.uint32, VECTOR), generate


def _spread(builder: Any, number: Any) -> Any:
    kind = ir.VectorType(number.type, LANES)
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, empty, words(0))
