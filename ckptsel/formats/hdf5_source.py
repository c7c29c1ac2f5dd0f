"""What stands between HDF5's library and a file: it sees all that the library reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptsel.formats.window import Window

_HEAP = b"GCOL"
_HEADER_BYTES = 16  # Of the heap, and of each object in it, where lengths have 8 bytes.


class Hdf5Source:
    """A window as the file that h5py reads.

    HDF5's library (1.14) does not come back from some broken files, with Python's lock held:
    nothing in the same process could stop it. Those are found on the way in.

    Args:
        window: the file.
    """

    def __init__(self, window: Window) -> None:
        self._window = window

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
        if len(buffer) >= _HEADER_BYTES and bytes(buffer[:4]) == _HEAP:
            self._check_heap(at, int.from_bytes(buffer[8:16], "little"))
        return len(buffer)

    def _check_heap(self, start: int, size: int) -> None:
        """A global heap, where texts are kept, is walked by sizes; one of 0 is an endless walk.

        Source: HDF5 File Format Specification 3.0, III.E; H5HG__cache_heap_deserialize in
        H5HGcache.c.
        """
        heap = memoryview(b"")
        if start + size <= self._window.size:
            self._window.seek(start)
            heap = memoryview(self._window.read(size))
        at = _HEADER_BYTES
        while at + _HEADER_BYTES <= len(heap):
            index = int.from_bytes(heap[at : at + 2], "little")
            length = int.from_bytes(heap[at + 8 : at + 16], "little")
            # The free space, object 0, counts its header in; objects are padded to 8 bytes.
            step = length if index == 0 else _HEADER_BYTES + (length + 7) // 8 * 8
            if step < _HEADER_BYTES or at + step > size:
                break
            at += step
        else:
            if size and len(heap) == size:
                return
        raise OSError("a heap of texts is broken")

    def flush(self) -> None:
        """Nothing: h5py calls it also on files that are only read."""
