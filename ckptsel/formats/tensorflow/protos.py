"""Values in TensorProto messages, as checkpoints of TensorFlow's version 1 hold them.

From TensorFlow's core/framework/tensor.proto and core/util/saved_tensor_slice_util.h.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.errors import MissingExtraError
from ckptsel.formats.tensorflow.protobuf_wire import VARINT_BYTES, MalformedError
from ckptsel.formats.tensorflow.types import STRING, dtype_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ckptsel.formats.tensorflow.protobuf_wire import Message
    from ckptsel.formats.tensorflow.types import Slice

_TEXTS = 8
# numpy's type → the field of TensorProto in which its values stand in their own size, …
_FIXED = {"float32": 5, "float64": 6, "complex64": 9, "complex128": 12}
# … or as numbers of a size that varies
_VARYING = {
    **dict.fromkeys(("int32", "int16", "int8", "uint16", "uint8"), 7),
    "int64": 10,
    "bool": 11,
    "float16": 13,
    "uint32": 16,
    "uint64": 17,
}


def assembled(
    slices: Iterable[tuple[Slice, Message]], shape: tuple[int, ...], kind: int
) -> NDArray[Any]:
    """A tensor from its slices.

    Raises:
        MalformedError: if they do not make up the tensor.
        MissingExtraError: if version 1 had no such type.
    """
    found = []
    for where, proto in slices:
        part = _values(proto, kind)
        if part.size != math.prod(where.lengths):
            raise MalformedError("a slice in it has not as many values as its shape")
        found.append((where, part))
    # Only now is it known that the shape, which may be a lie, is no larger than the file.
    if sum(part.size for _, part in found) != math.prod(shape):
        raise MalformedError("the slices of a tensor in it are not the whole of it")
    if len(found) == 1:
        return found[0][1]
    whole = np.zeros(shape, found[0][1].dtype if found else np.float32)
    for where, part in found:
        spans = zip(where.starts, where.lengths, strict=True)
        place = tuple(slice(at, at + size) for at, size in spans)
        whole[place] = part.reshape(where.lengths)
    return whole.reshape(-1)


def _values(proto: Message, kind: int) -> NDArray[Any]:
    if kind == STRING:
        return np.array([bytes(text) for text in proto.parts(_TEXTS)], object)
    name = dtype_of(kind).name
    if name in _FIXED:
        data = b"".join(proto.parts(_FIXED[name]))
        if len(data) % np.dtype(name).itemsize:
            raise MalformedError("the values of a tensor in it were cut off")
        return np.frombuffer(data, np.dtype(name).newbyteorder("<"))
    if name not in _VARYING:
        raise MissingExtraError(
            f"values of type {name} cannot be read from a checkpoint of version 1",
            hint="use TensorFlow to read them",
        )
    numbers = _varints(b"".join(proto.parts(_VARYING[name])))
    if name == "float16":
        return numbers.astype(np.uint16).view(np.float16)
    return numbers.astype(name)


def _varints(data: bytes) -> NDArray[np.uint64]:
    """Numbers of seven bits a byte, all at once; negative ones are in two's complement."""
    found = np.frombuffer(data, np.uint8)
    last = np.flatnonzero(found < 0x80)
    if found.size and (not last.size or last[-1] != found.size - 1):
        raise MalformedError("a number in it does not end")
    first = np.concatenate([np.zeros(1, last.dtype), last + 1])[:-1]
    numbers = np.zeros(last.size, np.uint64)
    longest = int((last - first).max(initial=-1)) + 1
    if longest > VARINT_BYTES:
        raise MalformedError("a number in it does not end")
    for at in range(longest):
        here = first + at <= last
        bits = (found[first[here] + at] & 0x7F).astype(np.uint64)
        numbers[here] |= bits << np.uint64(7 * at)
    return numbers
