"""TensorFlow's types of elements, shapes and slices, as its checkpoints write them.

From TensorFlow's core/framework: types.proto, tensor_shape.proto, tensor_slice.proto; and the
keys of slices from core/lib/strings/ordered_code.cc.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.formats.tensorflow.protobuf_wire import MalformedError

if TYPE_CHECKING:
    from ckptsel.formats.tensorflow.protobuf_wire import Message

STRING, BFLOAT16, VARIANT = 7, 14, 21
# More than any file holds; a product of sizes beyond it is a lie.
_MOST_ELEMENTS = 2**56
_MOST_DIMENSIONS = 32  # as many as every numpy can have


@dataclass(frozen=True, slots=True)
class DType:
    """A type of elements.

    Attributes:
        name: numpy's, or TensorFlow's where numpy has none.
        item_bytes: the size of one element in a file; 0 where it is not fixed.
        numpy: the numpy type of the same bytes; "" where there is none.
    """

    name: str
    item_bytes: int
    numpy: str


def _same(name: str, item_bytes: int) -> DType:
    return DType(name, item_bytes, name)


_DTYPES = {
    1: _same("float32", 4),
    2: _same("float64", 8),
    3: _same("int32", 4),
    4: _same("uint8", 1),
    5: _same("int16", 2),
    6: _same("int8", 1),
    STRING: DType("string", 0, ""),
    8: _same("complex64", 8),
    9: _same("int64", 8),
    10: _same("bool", 1),
    # the quantized types are integers; what they stand for, the checkpoint does not hold
    11: _same("int8", 1),
    12: _same("uint8", 1),
    13: _same("int32", 4),
    BFLOAT16: DType("bfloat16", 2, "uint16"),
    15: _same("int16", 2),
    16: _same("uint16", 2),
    17: _same("uint16", 2),
    18: _same("complex128", 16),
    19: _same("float16", 2),
    20: DType("resource", 0, ""),
    VARIANT: DType("variant", 0, ""),
    22: _same("uint32", 4),
    23: _same("uint64", 8),
    24: DType("float8_e5m2", 1, "uint8"),
    25: DType("float8_e4m3fn", 1, "uint8"),
    26: DType("float8_e4m3fnuz", 1, ""),
    27: DType("float8_e4m3b11fnuz", 1, ""),
    28: DType("float8_e5m2fnuz", 1, ""),
    # each element has a byte of its own
    29: DType("int4", 1, ""),
    30: DType("uint4", 1, ""),
    31: DType("int2", 1, ""),
    32: DType("uint2", 1, ""),
    33: DType("float4_e2m1fn", 1, ""),
}


def dtype_of(number: int) -> DType:
    """The type of elements of that number; newer ones than these have only a number."""
    return _DTYPES.get(number) or DType(f"unknown-{number}", 0, "")


def shape_of(proto: Message) -> tuple[int, ...]:
    """The shape in a TensorShapeProto.

    Raises:
        MalformedError: if it is unknown, negative or impossibly large.
    """
    shape = tuple(dim.signed(1) for dim in proto.messages(2))
    if proto.number(3) or any(size < 0 for size in shape):
        raise MalformedError("the shape of a tensor in it is unknown")
    if len(shape) > _MOST_DIMENSIONS or math.prod(size for size in shape if size) > _MOST_ELEMENTS:
        raise MalformedError("the shape of a tensor in it is impossibly large")
    return shape


@dataclass(frozen=True, slots=True)
class Slice:
    """Where a part of a tensor is in it.

    Attributes:
        starts: the first index in every dimension.
        lengths: how many in every dimension.
        key: its key in a table, without the tensor's name.
    """

    starts: tuple[int, ...]
    lengths: tuple[int, ...]
    key: bytes

    @classmethod
    def of(cls, proto: Message, shape: tuple[int, ...]) -> Slice:
        """The slice in a TensorSliceProto, of a tensor of that shape.

        Raises:
            MalformedError: if it is no part of the tensor.
        """
        extents = list(proto.messages(1))
        if len(extents) != len(shape):
            raise MalformedError("a slice in it has not as many dimensions as its tensor")
        starts = tuple(extent.signed(1) for extent in extents)
        # without a length it is the whole dimension, which the key says as -1
        written = tuple(extent.signed(2) if 2 in extent else -1 for extent in extents)
        lengths = tuple(
            size if length == -1 else length for length, size in zip(written, shape, strict=True)
        )
        for start, length, size in zip(starts, lengths, shape, strict=True):
            if start < 0 or length < 0 or start + length > size:
                raise MalformedError("a slice in it reaches beyond its tensor")
        pairs = zip(starts, written, strict=True)
        key = _number(len(shape)) + b"".join(_signed(n) for pair in pairs for n in pair)
        return cls(starts, lengths, key)

    def key_of(self, name: str) -> bytes:
        """The key of this slice of a tensor (saved_tensor_slice_util.cc: EncodeTensorNameSlice)."""
        parts = name.encode("utf-8", "surrogateescape").split(b"\x00")
        escaped = b"\x00\xff".join(part.replace(b"\xff", b"\xff\x00") for part in parts)
        return _number(0) + escaped + b"\x00\x01" + self.key


def _number(value: int) -> bytes:
    # OrderedCode::WriteNumIncreasing: how many bytes, then those, the highest first
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def _signed(value: int) -> bytes:
    # OrderedCode::WriteSignedNumIncreasing: n bytes hold 7n - 1 bits and the sign; the first n
    # bits are ones (zeros for a negative number), so that longer numbers sort after shorter
    magnitude = ~value if value < 0 else value
    size = magnitude.bit_length() // 7 + 1
    header = ((1 << size) - 1) << (7 * size)
    bits = value & ((1 << 8 * size) - 1)
    return (bits ^ header).to_bytes(size, "big")
