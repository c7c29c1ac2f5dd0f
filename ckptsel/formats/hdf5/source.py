"""What stands between HDF5's library and a file: it sees all that the library reads."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptsel.formats.window import Window

_OBJECT_BYTES = 16  # The header of a global heap, and of each object in it.
_LOCAL_HEAP_BYTES = 32
_LAST_FREE = 1  # H5HL_FREE_NULL


class Hdf5Source:
    """A window as the file that h5py reads.

    HDF5's library (1.14) does not come back from some broken files, with Python's lock held:
    nothing in the same process could stop it. Those are found on the way in.

    Args:
        window: the file.
        base: where the superblock stands; addresses count from there.
    """

    def __init__(self, window: Window, base: int) -> None:
        self._window = window
        self._base = base

    def seek(self, offset: int, whence: int = 0) -> int:
        """See `Window.seek`."""
        return self._window.seek(offset, whence)

    def tell(self) -> int:
        """See `Window.tell`."""
        return self._window.tell()

    def read(self, size: int) -> bytes:
        """See `Window.read`; h5py asks for it, and uses `readinto`."""
        return self._window.read(size)

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer.

        Raises:
            OSError: if the file ends before, or if these bytes would make the library hang.
        """
        at = self._window.tell()
        self._window.readinto(buffer)
        if len(buffer) >= _LOCAL_HEAP_BYTES:
            signature = bytes(buffer[:4])
            if signature == b"GCOL":
                self._check_texts(at, int.from_bytes(buffer[8:16], "little"))
            elif signature == b"HEAP":
                self._check_names(*struct.unpack("<3Q", buffer[8:_LOCAL_HEAP_BYTES]))
        return len(buffer)

    def _part(self, start: int, size: int) -> memoryview:
        if start + size > self._window.size:
            raise OSError("a heap ends behind the file")
        self._window.seek(start)
        return memoryview(self._window.read(size))

    def _check_texts(self, start: int, size: int) -> None:
        """A global heap, where texts are kept, is walked by sizes; one of 0 is an endless walk.

        Source: HDF5 File Format Specification 3.0, III.E; H5HG__cache_heap_deserialize.
        """
        heap = self._part(start, size)
        at = _OBJECT_BYTES
        while at + _OBJECT_BYTES <= size:
            index = int.from_bytes(heap[at : at + 2], "little")
            length = int.from_bytes(heap[at + 8 : at + 16], "little")
            # The free space, object 0, counts its header in; objects are padded to 8 bytes.
            step = length if index == 0 else _OBJECT_BYTES + (length + 7) // 8 * 8
            if step < _OBJECT_BYTES or at + step > size:
                raise OSError("a heap of texts is broken")
            at += step

    def _check_names(self, size: int, first: int, address: int) -> None:
        """A local heap, where a group's names are kept, lists its free places; not in a circle.

        Source: HDF5 File Format Specification 3.0, III.D; H5HL__fl_deserialize.
        """
        heap = self._part(self._base + address, size)
        seen = set()
        while first != _LAST_FREE:
            if first in seen or first + 16 > size:
                raise OSError("a heap of names is broken")
            seen.add(first)
            first = int.from_bytes(heap[first : first + 8], "little")

    def flush(self) -> None:
        """Nothing: h5py calls it also on files that are only read."""
