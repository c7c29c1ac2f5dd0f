"""The values of tensors in a TensorFlow bundle, as numpy arrays, piece by piece."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.errors import MissingExtraError
from ckptsel.formats.contents import PIECE_BYTES
from ckptsel.formats.narrow_floats import widen
from ckptsel.formats.tensorflow.protobuf_wire import MalformedError
from ckptsel.formats.tensorflow.types import STRING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ckptsel.formats.tensorflow.bundle import Bundle, Entry
    from ckptsel.formats.tensorflow.types import DType


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
        yield from in_pieces(np.array(bundle.strings(entry), object))
        return
    step = PIECE_BYTES // as_numpy(b"", entry.dtype).itemsize
    if entry.size_bytes != entry.elements * entry.dtype.item_bytes:
        raise MalformedError(f"the size of {entry.name!r} does not fit its shape")
    for start in range(0, max(1, entry.elements), step):
        yield _items(bundle, entry, start, min(start + step, entry.elements))


def in_pieces(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """A flat array in pieces of at most PIECE_BYTES."""
    step = PIECE_BYTES // values.itemsize
    for start in range(0, max(1, values.size), step):
        yield values[start : start + step]


def as_numpy(data: bytes | memoryview, dtype: DType) -> NDArray[Any]:
    """Stored bytes as an array; bfloat16 and float8 are widened to float32.

    Raises:
        MissingExtraError: if numpy has no such type.
    """
    if not dtype.numpy:
        raise MissingExtraError(
            f"values of type {dtype.name} cannot be read: numpy has no such type",
            hint="use TensorFlow to read them",
        )
    found = np.frombuffer(data, np.dtype(dtype.numpy).newbyteorder("<"))
    return found if dtype.numpy == dtype.name else widen(found, dtype.name)


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
    size, limit = entry.elements // max(1, rows), PIECE_BYTES // empty.itemsize
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
