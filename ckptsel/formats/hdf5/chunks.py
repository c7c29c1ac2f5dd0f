"""Chunks of HDF5 datasets, checked before the library (1.14) unpacks them.

Its filters take a chunk's size for granted: one that is too small, by a flipped bit, makes it read
memory that is not its own, and may end the process.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ckptsel.formats.window import Window

# Source: H5Zpublic.h. Others need a plugin, and none of them is in a checkpoint of Keras.
_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_CHECKSUM_BYTES = 4


def filters_of(creation: Any) -> list[int]:
    """The filters of a dataset, in the order in which they were applied.

    Args:
        creation: h5py's property list.
    """
    return [creation.get_filter(number)[0] for number in range(creation.get_nfilters())]


def check_chunks(dataset: Any, chunk_bytes: int, window: Window) -> None:
    """See that every chunk is in the file, and unpacks to what it should.

    Args:
        dataset: a `h5py.h5d.DatasetID`.
        chunk_bytes: the size of a chunk, unpacked.
        window: the file.

    Raises:
        ValueError: if one is not.
        OSError, RuntimeError: if the index of chunks cannot be read.
    """
    filters = filters_of(dataset.get_create_plist())
    unknown = set(filters) - {_DEFLATE, _SHUFFLE, _FLETCHER32}
    if unknown:
        raise ValueError(f"packed by a filter that is not read here: {min(unknown)}")
    for chunk in _chunks(dataset):
        if chunk.filter_mask or not 0 < chunk.size <= window.size - chunk.byte_offset:
            raise ValueError(f"the chunk at {chunk.chunk_offset} is broken")
        _check(dataset, chunk, filters, chunk_bytes)


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
