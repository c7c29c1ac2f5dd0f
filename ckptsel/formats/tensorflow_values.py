"""The values of tensors in a TensorFlow bundle, as numpy arrays, piece by piece."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.errors import MissingExtraError
from ckptsel.formats.contents import PIECE_BYTES
from ckptsel.formats.protobuf_wire import MalformedError
from ckptsel.formats.tensorflow_types import STRING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ckptsel.formats.tensor_bundle import Bundle, Entry
    from ckptsel.formats.tensorflow_types import DType


def values_of(bundle: Bundle, entry: Entry) -> Iterator[NDArray[Any]]:
    """The values of a tensor, flat and in order, in pieces of at most PIECE_BYTES.

    Raises:
        MalformedError: if its bytes are not there, or are not as the index says.
        MissingExtraError: if numpy has no such type.
    """
    if entry.slices:
        yield from _assembled(bundle, entry)
        return
    if entry.key in bundle.overlapping:
        raise MalformedError(f"{entry.name!r} shares its bytes with others")
    if entry.kind == STRING:
        found = np.array(bundle.strings(entry), object)
    else:
        found = as_numpy(b"", entry.dtype)
        if entry.size_bytes != entry.elements * entry.dtype.item_bytes:
            raise MalformedError(f"the size of {entry.name!r} does not fit its shape")
    step = _piece_items(entry.dtype)
    for start in range(0, max(1, entry.elements), step):
        stop = min(start + step, entry.elements)
        is_text = entry.kind == STRING
        yield found[start:stop] if is_text else _items(bundle, entry, start, stop)


def as_numpy(data: bytes | memoryview, dtype: DType) -> NDArray[Any]:
    """Stored bytes as an array; bfloat16 is the upper half of float32.

    Raises:
        MissingExtraError: if numpy has no such type.
    """
    if not dtype.numpy:
        raise MissingExtraError(
            f"values of type {dtype.name} cannot be read: numpy has no such type",
            hint="use TensorFlow to read them",
        )
    found = np.frombuffer(data, np.dtype(dtype.numpy).newbyteorder("<"))
    if dtype.name == "bfloat16":
        return (found.astype(np.uint32) << 16).view(np.float32)
    return found


def _piece_items(dtype: DType) -> int:
    # as_numpy makes bfloat16 twice as large; a string is a pointer of 8 bytes
    return PIECE_BYTES // (2 * dtype.item_bytes or 8)


def _items(bundle: Bundle, entry: Entry, start: int, stop: int) -> NDArray[Any]:
    size = entry.dtype.item_bytes
    return as_numpy(bundle.content(entry, start * size, stop * size), entry.dtype)


def _assembled(bundle: Bundle, entry: Entry) -> Iterator[NDArray[Any]]:
    """Put slices together, as many rows at a time as one piece holds.

    The rows of a slice stand one after the other in its bytes, so that of each slice only
    those bytes are read that the piece needs. Slices of strings stand at no fixed places;
    TensorFlow itself cannot put them together.
    """
    parts = bundle.slices_of(entry)
    rows = entry.shape[0] if entry.shape else 0
    empty = as_numpy(b"", entry.dtype)
    size, limit = entry.elements // max(1, rows), _piece_items(entry.dtype)
    if not size:
        yield empty
        return
    step = max(1, limit // size)
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        piece = np.zeros((stop - start, *entry.shape[1:]), empty.dtype)
        for where, part in parts:
            first = max(start, where.starts[0])
            last = min(stop, where.starts[0] + where.lengths[0])
            if first >= last:
                continue
            row = math.prod(where.lengths[1:])
            span = (first - where.starts[0]) * row, (last - where.starts[0]) * row
            found = _items(bundle, part, *span)
            inner = zip(where.starts[1:], where.lengths[1:], strict=True)
            place = (slice(first - start, last - start), *(slice(a, a + n) for a, n in inner))
            piece[place] = found.reshape(last - first, *where.lengths[1:])
        flat = piece.reshape(-1)
        for at in range(0, flat.size, limit):
            yield flat[at : at + limit]
