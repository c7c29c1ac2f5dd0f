"""One dataset of an HDF5 file: what it is, why it cannot be read, and its values in pieces."""

from __future__ import annotations

import math
import struct
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ckptsel.errors import DamagedError
from ckptsel.formats.contents import PIECE_BYTES
from ckptsel.formats.hdf5.attributes import read_attribute
from ckptsel.formats.hdf5.chunks import MAX_CHUNK_BYTES, slabs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from ckptsel.formats.window import Window

# What h5py raises on files that lie, by the kind of lie.
HDF5_ERRORS = (OSError, ValueError, KeyError, RuntimeError, TypeError, OverflowError, struct.error)


@contextmanager
def damaged(path: str, what: str) -> Iterator[None]:
    """Tell of a broken file in one way, however h5py finds out.

    Raises:
        DamagedError: instead of what h5py, or the file system, raised.
    """
    try:
        yield
    except HDF5_ERRORS as error:
        reason = str(error).strip() or type(error).__name__
        raise DamagedError(f"cannot read {what} of {path!r}: {reason}") from error


@dataclass(frozen=True, slots=True)
class Stored:
    """A dataset, without its values.

    Attributes:
        path: its path in the file, without the leading `/`.
        shape: its shape.
        dtype: its type, in the file's byte order.
        bfloat16: whether its two bytes are a bfloat16, which HDF5 and numpy do not have.
        offset: where its values stand in the file; None if they are in chunks, or need
            to be converted by HDF5.
        load_bytes: how much memory reading it takes at least: chunks may exceed the shape.
        problem: why its values cannot be read, as a sentence; "" if they can.
        code: the code of a finding about `problem`.
    """

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    bfloat16: bool = False
    offset: int | None = None
    load_bytes: int = 0
    problem: str = ""
    code: str = "unreadable-dataset"

    @property
    def size_bytes(self) -> int:
        """The size of its values, uncompressed."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def dtype_name(self) -> str:
        """The type's name, as in `Tensor.dtype`."""
        if self.bfloat16:
            return "bfloat16"
        return self.dtype.name if self.dtype.kind in "biufcV" else "object"


def describe(dataset: Any, path: str, window: Window, base: int) -> Stored:
    """What a dataset is, seen from its header alone.

    Args:
        dataset: a `h5py.h5d.DatasetID`, not a virtual dataset.
        path: its path in the file.
        window: the file.
        base: where the superblock stands.

    Raises:
        OSError, RuntimeError, TypeError, ValueError, struct.error: if the header is broken.
    """
    import h5py  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    shape, dtype = dataset.shape, np.dtype(dataset.dtype)
    if shape is None:
        return Stored(path, (0,), dtype)
    plain = dtype.kind in "biufc" or (dtype.kind == "V" and dtype.fields is None)
    if not plain or dtype.subdtype is not None:
        problem = f"holds {dtype}, which no weight is"
        return Stored(path, shape, np.dtype(object), problem=problem, code="odd-dataset")
    size = math.prod(shape) * dtype.itemsize
    # Source: H5IOStore.__setitem__ in keras/src/saving/saving_lib.py. Keras 2's format says nothing
    # of it; but no other type of two bytes is unknown to both numpy and HDF5.
    is_bfloat16 = (
        dtype.kind == "V"
        and dtype.itemsize == 2
        and read_attribute(dataset, "dtype", window, base) in (None, "bfloat16")
    )
    same = h5py.h5t.py_create(dtype).equal(dataset.get_type())
    # The byte order stays in `str`; metadata (of enums) does not.
    stored = Stored(path, shape, np.dtype(dtype.str), is_bfloat16, load_bytes=size)
    creation = dataset.get_create_plist()
    if creation.get_external_count():
        return _but(stored, "has its values in another file", "external-storage")
    if creation.get_layout() == h5py.h5d.CHUNKED:
        chunk = math.prod(creation.get_chunk()) * dtype.itemsize
        if chunk > MAX_CHUNK_BYTES:
            says = f"has chunks of {chunk:,} bytes, which are not unpacked"
            return _but(stored, says, "values-not-read", load_bytes=max(size, chunk))
        problem = _unwritten(dataset, creation.get_chunk()) if size else ""
        if problem:
            return _but(stored, problem, "unwritten-dataset")
        return _but(stored, "", load_bytes=max(size, chunk))
    if creation.get_layout() == h5py.h5d.COMPACT or not same or not size:
        return stored
    offset = dataset.get_offset()
    if offset is None:
        return _but(stored, "was never written", "unwritten-dataset")
    if dataset.get_storage_size() < size or offset + size > window.size:
        return _but(stored, f"ends at byte {offset + size:,}, where the file has {window.size:,}")
    return _but(stored, "", offset=offset)


def _unwritten(dataset: Any, chunk: tuple[int, ...]) -> str:
    """What is missing of a dataset in chunks: one that is not there reads as zeros."""
    wanted = math.prod(-(-n // size) for n, size in zip(dataset.shape, chunk, strict=True))
    # All chunks of 0 bytes look like none at all.
    there = dataset.get_num_chunks() if dataset.get_storage_size() else 0
    if there >= wanted:
        return ""
    return f"was never written: {there:,} of {wanted:,} chunks are there"


def _but(stored: Stored, problem: str, code: str = "unreadable-dataset", **more: Any) -> Stored:
    return replace(stored, problem=problem, code=code, **more)


def pieces(stored: Stored, dataset: Any, window: Window) -> Iterator[NDArray[Any]]:
    """The values, flat, in order, in the machine's byte order.

    Raises:
        OSError, RuntimeError, TypeError, ValueError: if they cannot be read.
    """
    for block in _raw(stored, window) if stored.offset is not None else _converted(stored, dataset):
        if stored.bfloat16:
            # bfloat16 is the upper half of a float32.
            yield (block.view("<u2").astype("u4") << 16).view("f4")
        else:
            yield block.astype(block.dtype.newbyteorder("="), copy=False)


def _elements_per_piece(stored: Stored) -> int:
    return max(1, PIECE_BYTES // (4 if stored.bfloat16 else max(1, stored.dtype.itemsize)))


def _raw(stored: Stored, window: Window) -> Iterator[NDArray[Any]]:
    """Straight from the file: HDF5 has nothing to do for values that stand in one row."""
    import numpy as np  # noqa: PLC0415

    assert stored.offset is not None
    left, step = math.prod(stored.shape), _elements_per_piece(stored)
    at = stored.offset
    while left:
        block = np.empty(min(step, left), stored.dtype)
        window.seek(at)
        window.readinto(block.view("u1").data)
        at += block.nbytes
        left -= len(block)
        yield block


def _converted(stored: Stored, dataset: Any) -> Iterator[NDArray[Any]]:
    """Through HDF5, which converts, and puts chunks together."""
    import h5py  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    high = h5py.Dataset(dataset)
    if not stored.shape:
        yield np.asarray(high[()], stored.dtype).reshape(1)
        return
    if not stored.size_bytes:
        return
    limit = _elements_per_piece(stored)
    for index in slabs(stored.shape, high.chunks, stored.dtype.itemsize):
        block = np.asarray(high[index], stored.dtype).reshape(-1)
        for at in range(0, block.size, limit):
            yield block[at : at + limit]
