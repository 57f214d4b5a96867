"""Unaligned loads of whole words from bytes, copies of bytes, and a hint to fetch a place early.

numba itself reads such a word byte by byte, with a check for a negative index each time. Callers make sure
that the bytes are inside the array. Source: https://llvm.org/docs/LangRef.html (load, bswap, llvm.prefetch).
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _address(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    item = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    bytes_ = builder.bitcast(data, cgutils.voidptr_t)
    return builder.gep(bytes_, [builder.mul(at, ir.Constant(at.type, item))])


def _load(bits: int, big_endian: bool) -> Callable[..., Any]:
    def typed(typing_context: Any, data: Any, at: Any) -> Any:
        _ = typing_context, at

        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            place = _address(context, builder, signature.args[0], *given)
            word = builder.load(builder.bitcast(place, ir.IntType(bits).as_pointer()))
            word.align = 1
            if big_endian:
                word = builder.bswap(word)
            return word if bits == 64 else builder.zext(word, ir.IntType(64))

        return types.int64(data, types.int64), generate

    return typed


be16 = intrinsic(_load(16, True))
"""``be16(data, at)``: two bytes of ``data`` (uint8) at ``at`` in network order, as int64."""

be32 = intrinsic(_load(32, True))
"""As ``be16``, four bytes."""

be64 = intrinsic(_load(64, True))
"""As ``be16``, eight bytes; the highest bit becomes the sign."""

le32 = intrinsic(_load(32, False))
"""As ``be32`` in the order of little-endian files."""

le64 = intrinsic(_load(64, False))
"""As ``be64`` in the order of little-endian files."""


@intrinsic
def prefetch(typing_context: Any, array: Any, at: Any) -> Any:
    """``prefetch(array, at)``: ask for the cache line of the item at ``at`` of a one-dimensional array."""
    _ = typing_context, at

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = _address(context, builder, signature.args[0], *given)
        word = ir.IntType(32)
        hint = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, word, word, word]),
            "llvm.prefetch.p0",
        )
        builder.call(hint, [place, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.none(array, types.int64), generate


@intrinsic
def copy_bytes(typing_context: Any, given: Any, size: Any, taken: Any) -> Any:
    """``copy_bytes((source, at), size, (target, to))``: copy bytes between arrays that do not overlap.

    An assignment of slices would count references and look for an overlap.
    """
    _ = typing_context, size

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        places = [
            _address(context, builder, kind.types[0], *cgutils.unpack_tuple(builder, pair, 2))
            for kind, pair in ((signature.args[0], values[0]), (signature.args[2], values[2]))
        ]
        cgutils.raw_memcpy(builder, places[1], places[0], values[1], 1)
        return context.get_dummy_value()

    pairs = [types.Tuple([pair.types[0], types.int64]) for pair in (given, taken)]
    return types.none(pairs[0], types.int64, pairs[1]), generate
