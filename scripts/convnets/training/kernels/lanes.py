"""Vectors of 16 float32 numbers in code that Numba compiles.

Arrays are flat and contiguous. int16 elements are the bits of bfloat16 numbers; unsigned elements
are small integers. LLVM translates the vectors to the processor's own, such as AVX-512.
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
"""Number of weights of a 3 x 3 kernel."""
FLOATS = ir.VectorType(ir.FloatType(), LANES)
WORDS = ir.VectorType(ir.IntType(32), LANES)
INDEX = ir.IntType(64)


class Vector(types.Type):
    """Numba's type of a vector."""


VECTOR = Vector("Vector")
register_model(Vector)(lambda manager, kind: models.PrimitiveModel(manager, kind, FLOATS))


class Memory:
    """An array in LLVM code: loads and stores values of any LLVM type."""

    def __init__(self, context: Any, builder: Any, array_type: Any, array: Any) -> None:
        self.builder, self.dtype = builder, array_type.dtype
        self.data = context.make_array(array_type)(context, builder, array).data
        bits = self.dtype.bitwidth
        self.bytes = bits // 8
        self.vector = ir.VectorType(ir.IntType(bits), LANES) if bits < 32 else FLOATS
        """The LLVM type of 16 elements."""

    def load(self, index: Any, kind: ir.Type) -> Any:
        """The value of type `kind` that begins at element `index`."""
        return self.builder.load(self._pointer(index, kind), align=self.bytes)

    def store(self, index: Any, value: Any) -> None:
        """Write `value`, beginning at element `index`."""
        self.builder.store(value, self._pointer(index, value.type), align=self.bytes)

    def _pointer(self, index: Any, kind: ir.Type) -> Any:
        return self.builder.bitcast(self.builder.gep(self.data, [index]), kind.as_pointer())


def emitted(result: types.Type, *kinds: types.Type | None) -> Callable[..., Any]:
    """A decorator of functions that build LLVM code, which Numba compiles in place of their calls.

    The function receives the builder and its arguments, converted to `kinds` (None: not converted):
    an array as `Memory`, a tuple as a list. Its result has the type `result`.
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
    """The 16 numbers of `array` that begin at `index`."""
    value = array.load(index, array.vector)
    if array.dtype == types.float32:
        return value
    wide = builder.zext(value, WORDS)
    if array.dtype == types.int16:
        return builder.bitcast(builder.shl(wide, words(16)), FLOATS)
    return builder.uitofp(wide, FLOATS)


@emitted(types.void, None, types.intp, VECTOR)
def store(builder: Any, array: Memory, index: Any, vector: Any) -> None:
    """Write `vector` to `array`, beginning at `index`; bfloat16 rounds to nearest, ties to even."""
    if array.dtype == types.int16:
        bits = builder.lshr(_round(builder, vector), words(16))
        vector = builder.trunc(bits, array.vector)
    elif array.dtype != types.float32:
        vector = builder.trunc(builder.fptoui(vector, WORDS), array.vector)
    array.store(index, vector)


@emitted(VECTOR, None, VECTOR)
def rounded(builder: Any, array: Memory, vector: Any) -> Any:
    """`vector`, rounded to the type of `array`."""
    if array.dtype != types.int16:
        return vector
    return builder.bitcast(builder.and_(_round(builder, vector), words(0xFFFF0000)), FLOATS)


def spread(builder: Any, number: Any) -> Any:
    """A vector whose 16 elements are `number`."""
    kind = ir.VectorType(number.type, LANES)
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, empty, words(0))


filled = emitted(VECTOR, types.float32)(spread)
plus = emitted(VECTOR, VECTOR, VECTOR)(lambda builder, left, right: builder.fadd(left, right))
over = emitted(VECTOR, VECTOR, VECTOR)(lambda builder, left, right: builder.fdiv(left, right))
"""A vector of equal numbers, and the sum and the quotient of two vectors."""


@emitted(VECTOR, VECTOR, VECTOR, VECTOR, VECTOR)
def where_above(builder: Any, left: Any, right: Any, then: Any, otherwise: Any) -> Any:
    """`then` where `left` is above `right` or NaN, else `otherwise`."""
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
    """Two functions, which load and store `number` vectors that are `step` elements apart."""

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
    """16 channels of a 3 x 3 convolution at pixel `index` of an image `width` pixels wide."""
    total = ir.Constant(FLOATS, [0.0] * LANES)
    for pixel, weights in zip(_window(builder, pixels, index, width), taps, strict=True):
        total = _multiply_add(builder, pixel, weights, total)
    return total


@emitted(types.UniTuple(VECTOR, TAPS), None, types.intp, types.intp, None, VECTOR)
def add_products(
    builder: Any, pixels: Memory, index: Any, width: Any, taps: list[Any], gradient: Any
) -> list[Any]:
    """`taps`, each plus `gradient` times its pixel of the 3 x 3 window at `index`."""
    window = zip(_window(builder, pixels, index, width), taps, strict=True)
    return [_multiply_add(builder, pixel, gradient, total) for pixel, total in window]


def _window(builder: Any, pixels: Memory, index: Any, width: Any) -> Iterator[Any]:
    """Pixels of a 3 x 3 window, each as a vector of equal numbers."""
    for tap in range(TAPS):
        row, column = divmod(tap, 3)
        shift = builder.add(builder.mul(width, INDEX(row)), INDEX(column))
        yield spread(builder, pixels.load(builder.add(index, shift), ir.FloatType()))


def _multiply_add(builder: Any, left: Any, right: Any, total: Any) -> Any:
    kind = ir.FunctionType(FLOATS, [FLOATS] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.fma.v16f32")
    return builder.call(function, [left, right, total])


def _round(builder: Any, vector: Any) -> Any:
    """Integers whose upper halves are `vector` in bfloat16, rounded to nearest, ties to even."""
    bits = builder.bitcast(vector, WORDS)
    odd = builder.and_(builder.lshr(bits, words(16)), words(1))
    return builder.add(bits, builder.add(odd, words(0x7FFF)))
