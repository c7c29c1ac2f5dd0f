"""Chunks of HDF5 datasets, checked before the library (1.14) unpacks them.

Its filters take a chunk's size for granted: one that is too small, by a flipped bit, makes it read
memory that is not its own, and may end the process.
"""

from __future__ import annotations

import itertools
import math
import zlib
from typing import TYPE_CHECKING, Any

from ckptsel.errors import UnreadValuesError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.formats.window import Window

MAX_CHUNK_BYTES = 32 * 2**20
"""A chunk is unpacked as a whole. h5py's own are below 1 MiB unless told otherwise."""

# What is read at once of a dataset in chunks, and how often one chunk may be unpacked for it.
_SLAB_BYTES = 64 * 2**20
_MOST_TIMES = 3

# Source: H5Zpublic.h. Others need a plugin, and none of them is in a checkpoint of Keras.
_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_CHECKSUM_BYTES = 4


def filters_of(creation: Any) -> list[int]:
    """The filters of a dataset, in the order in which they were applied.

    Args:
        creation: h5py's property list.
    """
    return [creation.get_filter(number)[0] for number in range(creation.get_nfilters())]


def check_chunks(dataset: Any, window: Window) -> bool:
    """See that every chunk is in the file, and unpacks to what it should.

    Returns:
        Whether nothing is left that only the library finds: a checksum of HDF5's own, or values
        that are not in chunks.

    Args:
        dataset: a `h5py.h5d.DatasetID`; it need not be in chunks.
        window: the file.

    Raises:
        ValueError: if one is not.
        OSError, RuntimeError: if the index of chunks cannot be read.
    """
    import h5py  # noqa: PLC0415

    creation = dataset.get_create_plist()
    if creation.get_layout() != h5py.h5d.CHUNKED:
        return False
    chunk_bytes = math.prod(creation.get_chunk()) * dataset.dtype.itemsize
    filters = filters_of(creation)
    unknown = set(filters) - {_DEFLATE, _SHUFFLE, _FLETCHER32}
    if unknown:
        raise ValueError(f"packed by a filter that is not read here: {min(unknown)}")
    for chunk in _chunks(dataset):
        if chunk.filter_mask or not 0 < chunk.size <= window.size - chunk.byte_offset:
            raise ValueError(f"the chunk at {chunk.chunk_offset} is broken")
        _check(dataset, chunk, filters, chunk_bytes)
    return _FLETCHER32 not in filters


def _chunks(dataset: Any) -> list[Any]:
    if not hasattr(dataset, "chunk_iter"):  # pragma: no cover - HDF5 before 1.12.3
        return [dataset.get_chunk_info(number) for number in range(dataset.get_num_chunks())]
    found: list[Any] = []
    dataset.chunk_iter(found.append)
    return found


def _check(dataset: Any, chunk: Any, filters: list[int], chunk_bytes: int) -> None:
    # The sizes after each filter, from the unpacked chunk on, as far as they are known.
    inner = chunk_bytes
    for number, name in enumerate(filters):
        if name == _DEFLATE:
            behind = filters[number + 1 :].count(_FLETCHER32) * _CHECKSUM_BYTES
            _, data = dataset.read_direct_chunk(chunk.chunk_offset)
            unpacker = zlib.decompressobj()
            try:
                size = len(unpacker.decompress(data[: len(data) - behind], inner + 1))
            except zlib.error as error:
                raise ValueError(f"the chunk at {chunk.chunk_offset}: {error}") from None
            if size != inner or not unpacker.eof or filters.count(_DEFLATE) > 1:
                raise ValueError(f"the chunk at {chunk.chunk_offset} unpacks to a wrong size")
            return
        inner += _CHECKSUM_BYTES if name == _FLETCHER32 else 0
    if chunk.size != inner:
        raise ValueError(f"the chunk at {chunk.chunk_offset} is of a wrong size")


def slabs(
    shape: tuple[int, ...], chunks: tuple[int, ...] | None, itemsize: int
) -> Iterator[tuple[int | slice, ...]]:
    """The parts in which an array is read, in order, so that each chunk is unpacked seldom.

    A part is a whole layer of chunks where the memory allows it. HDF5 keeps none that is as large
    as those here, so every part unpacks all that it touches.

    Args:
        shape: the array's; not empty.
        chunks: the shape of a chunk; None if it is not in chunks.
        itemsize: of an element, in bytes.

    Raises:
        UnreadValuesError: if the chunks lie so that each would be unpacked again and again.
    """
    layer = chunks or (1,) * len(shape)
    axis = 0
    while math.prod(shape[axis + 1 :]) * itemsize > _SLAB_BYTES:
        axis += 1
    row = math.prod(shape[axis + 1 :]) * itemsize
    rows = max(1, _SLAB_BYTES // max(1, row))
    # Whole layers of chunks if one fits, and as few parts of one as possible if not.
    high = max(layer[axis], rows // layer[axis] * layer[axis])
    again = math.prod(min(n, size) for n, size in zip(shape[:axis], layer, strict=False))
    again *= -(-min(shape[axis], high) // rows)
    if chunks and again > _MOST_TIMES:
        raise UnreadValuesError(f"its chunks would have to be unpacked {again:,} times each")
    for outer in itertools.product(*map(range, shape[:axis])):
        for begin in range(0, shape[axis], high):
            end = min(begin + high, shape[axis])
            for start in range(begin, end, rows):
                yield (*outer, slice(start, min(start + rows, end)))
