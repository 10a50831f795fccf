"""Vectors of 16 float32 numbers in code that Numba compiles: loaded, computed with, stored.

Arrays are flat and contiguous. int16 elements are bfloat16 numbers, as their bits; unsigned ones
are small whole numbers. LLVM makes of these vectors what the processor has, AVX-512 or other.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
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
INDEX = ir.IntType(64)


class Vector(types.Type):
    """The type of a vector, as Numba's type inference knows it."""


VECTOR = Vector("Vector")
register_model(Vector)(lambda manager, kind: models.PrimitiveModel(manager, kind, FLOATS))


class Memory:
    """An array while LLVM code is built: loads and stores values of any LLVM type in it."""

    def __init__(self, context: Any, builder: Any, array_type: Any, array: Any) -> None:
        self.builder, self.dtype = builder, array_type.dtype
        self.data = context.make_array(array_type)(context, builder, array).data
        bits = self.dtype.bitwidth
        self.bytes = bits // 8
        self.vector = ir.VectorType(ir.IntType(bits), LANES) if bits < 32 else FLOATS
        """The LLVM type of 16 elements."""

    def load(self, index: Any, kind: ir.Type) -> Any:
        """The value of `kind` from element `index` on."""
        value = self.builder.load(self._pointer(index, kind))
        value.align = self.bytes
        return value

    def store(self, index: Any, value: Any) -> None:
        """Write `value` from element `index` on."""
        self.builder.store(value, self._pointer(index, value.type), align=self.bytes)

    def _pointer(self, index: Any, kind: ir.Type) -> Any:
        return self.builder.bitcast(self.builder.gep(self.data, [index]), kind.as_pointer())


def emitted(result: types.Type, *kinds: types.Type | None) -> Callable[..., Any]:
    """Decorate a function that builds LLVM code: Numba compiles calls of it into that code.

    The function gets the builder and the arguments: an array as `Memory`, a tuple as a list. Its
    result is of type `result`. Arguments are converted to `kinds`; None leaves the type as it is.
    """

    def decorate(generate: Callable[..., Any]) -> Any:
        def build(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
            arguments = list(values)
            for place, kind in enumerate(signature.args):
                if isinstance(kind, types.Array):
                    arguments[place] = Memory(context, builder, kind, values[place])
                elif isinstance(kind, types.BaseTuple):
                    arguments[place] = cgutils.unpack_tuple(builder, values[place])
            value = generate(builder, *arguments)
            if isinstance(value, list):
                return cgutils.pack_array(builder, value)
            return context.get_dummy_value() if value is None else value

        @intrinsic
        @functools.wraps(generate)  # Numba counts the arguments in the wrapped signature.
        def typed(typing: Any, *given: Any) -> Any:
            found = [kind or own for kind, own in zip(kinds, given, strict=True)]
            return result(*found), build

        return typed

    return decorate


def words(value: int) -> ir.Constant:
    """A vector of equal 32-bit integers."""
    return ir.Constant(WORDS, [value] * LANES)


@emitted(VECTOR, None, types.intp)
def load(builder: Any, array: Memory, index: Any) -> Any:
    """The 16 numbers of `array` from `index` on."""
    value = array.load(index, array.vector)
    if array.dtype == types.float32:
        return value
    wide = builder.zext(value, WORDS)
    if array.dtype == types.int16:
        return builder.bitcast(builder.shl(wide, words(16)), FLOATS)
    return builder.uitofp(wide, FLOATS)


@emitted(types.void, None, types.intp, VECTOR)
def store(builder: Any, array: Memory, index: Any, vector: Any) -> None:
    """Write `vector` to `array` from `index` on; bfloat16 rounds to the nearest, ties to even."""
    if array.dtype == types.int16:
        bits = builder.lshr(_round(builder, vector), words(16))
        vector = builder.trunc(bits, array.vector)
    elif array.dtype != types.float32:
        vector = builder.trunc(builder.fptoui(vector, WORDS), array.vector)
    array.store(index, vector)


@emitted(VECTOR, None, VECTOR)
def rounded(builder: Any, array: Memory, vector: Any) -> Any:
    """`vector` as `array` would keep it."""
    if array.dtype != types.int16:
        return vector
    return builder.bitcast(builder.and_(_round(builder, vector), words(0xFFFF0000)), FLOATS)


def spread(builder: Any, number: Any) -> Any:
    """A vector of 16 times `number`."""
    kind = ir.VectorType(number.type, LANES)
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, empty, words(0))


filled = emitted(VECTOR, types.float32)(spread)
plus = emitted(VECTOR, VECTOR, VECTOR)(lambda builder, left, right: builder.fadd(left, right))
over = emitted(VECTOR, VECTOR, VECTOR)(lambda builder, left, right: builder.fdiv(left, right))
"""A vector of equal numbers; the sum and the quotient of two vectors."""


@emitted(VECTOR, VECTOR, VECTOR, VECTOR, VECTOR)
def where_above(builder: Any, left: Any, right: Any, then: Any, otherwise: Any) -> Any:
    """`then` where `left` is above `right` or `left` is NaN, else `otherwise`."""
    above = builder.fcmp_ordered(">", left, right)
    above = builder.or_(above, builder.fcmp_unordered("uno", left, left))
    return builder.select(above, then, otherwise)


@emitted(VECTOR, VECTOR, types.uint32, types.uint32, types.uint32, VECTOR)
def where_bits(builder: Any, notes: Any, shift: Any, mask: Any, value: Any, then: Any) -> Any:
    """`then` where `notes >> shift & mask` is `value`, else zero."""
    shift, mask, value = (spread(builder, number) for number in (shift, mask, value))
    bits = builder.and_(builder.lshr(builder.fptoui(notes, WORDS), shift), mask)
    same = builder.icmp_unsigned("==", bits, value)
    return builder.select(same, then, ir.Constant(FLOATS, [0.0] * LANES))


def vectors_apart(number: int) -> tuple[Any, Any]:
    """Two functions: one loads a tuple of `number` vectors, the other stores it.

    The vectors are in `array` from `index` on, `step` elements apart.
    """

    def places(builder: Any, index: Any, step: Any) -> list[Any]:
        return [builder.add(index, builder.mul(step, INDEX(place))) for place in range(number)]

    @emitted(types.UniTuple(VECTOR, number), None, types.intp, types.intp)
    def load_all(builder: Any, array: Memory, index: Any, step: Any) -> list[Any]:
        return [array.load(place, FLOATS) for place in places(builder, index, step)]

    @emitted(types.void, None, types.intp, types.intp, None)
    def store_all(builder: Any, array: Memory, index: Any, step: Any, vectors: list[Any]) -> None:
        for place, vector in zip(places(builder, index, step), vectors, strict=True):
            array.store(place, vector)

    return load_all, store_all


load_taps, store_taps = vectors_apart(TAPS)
"""The weights of a 3 x 3 kernel for 16 channels."""


@emitted(VECTOR, None, types.intp, types.intp, None)
def convolve(builder: Any, pixels: Memory, index: Any, width: Any, taps: list[Any]) -> Any:
    """16 channels of a 3 x 3 convolution of the pixels, `width` in a row, from `index` on."""
    total = ir.Constant(FLOATS, [0.0] * LANES)
    for pixel, weights in zip(_window(builder, pixels, index, width), taps, strict=True):
        total = _multiply_add(builder, pixel, weights, total)
    return total


@emitted(types.UniTuple(VECTOR, TAPS), None, types.intp, types.intp, None, VECTOR)
def add_products(
    builder: Any, pixels: Memory, index: Any, width: Any, taps: list[Any], gradient: Any
) -> list[Any]:
    """`taps`, each plus its pixel of the window at `index` times `gradient`."""
    window = zip(_window(builder, pixels, index, width), taps, strict=True)
    return [_multiply_add(builder, pixel, gradient, total) for pixel, total in window]


def _window(builder: Any, pixels: Memory, index: Any, width: Any) -> Iterator[Any]:
    """The pixels of a 3 x 3 window, each as a vector of equal numbers."""
    for tap in range(TAPS):
        row, column = divmod(tap, 3)
        shift = builder.add(builder.mul(width, INDEX(row)), INDEX(column))
        yield spread(builder, pixels.load(builder.add(index, shift), ir.FloatType()))


def _multiply_add(builder: Any, left: Any, right: Any, total: Any) -> Any:
    kind = ir.FunctionType(FLOATS, [FLOATS] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.fma.v16f32")
    return builder.call(function, [left, right, total])


def _round(builder: Any, vector: Any) -> Any:
    """Bits of `vector`, of which the upper half is the nearest bfloat16 number, ties to even."""
    bits = builder.bitcast(vector, WORDS)
    odd = builder.and_(builder.lshr(bits, words(16)), words(1))
    return builder.add(bits, builder.add(odd, words(0x7FFF)))
