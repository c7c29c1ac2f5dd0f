"""A part of an open file, read as if it were a file of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK_BYTES = 2**20


class Window:
    """A part of a file, such as the member of a zip.

    Other than a file it never reads short: h5py would take what was in the memory before for
    what is in the file. Sizes are checked before anything is read, so that a length that lies
    costs nothing.

    Attributes:
        start: where it begins in the file.
        size: in bytes.
    """

    def __init__(self, file: BinaryIO, start: int = 0, size: int | None = None) -> None:
        self._file = file
        self.start = start
        self._at = 0
        self.size = os.fstat(file.fileno()).st_size - start if size is None else size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to an offset from the beginning, from here, or from the end."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = origin + offset
        return self._at

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer.

        Raises:
            OSError: if the window, or the file, ends before.
        """
        size = len(buffer)
        if self._at < 0 or self._at + size > self.size:
            raise OSError(f"{size} bytes wanted at {self._at}, where the file has {self.size}")
        self._file.seek(self.start + self._at)
        done = 0
        while done < size:
            count = self._file.readinto(buffer[done:])  # type: ignore[attr-defined]
            if not count:
                raise OSError("the file became shorter while it was read")
            done += count
        self._at += size
        return size

    def read(self, size: int) -> bytes:
        """That many bytes. Raises as `readinto` does."""
        if self._at + size > self.size:
            raise OSError(f"{size} bytes wanted at {self._at}, where the file has {self.size}")
        data = bytearray(size)
        self.readinto(memoryview(data))
        return bytes(data)

    def blocks(self, on_bytes: Callable[[int], None] | None = None) -> Iterator[memoryview]:
        """All bytes, once, in blocks that share one buffer. Raises as `readinto` does."""
        buffer = memoryview(bytearray(BLOCK_BYTES))
        self.seek(0)
        left = self.size
        while left > 0:
            block = buffer[: min(left, BLOCK_BYTES)]
            self.readinto(block)
            left -= len(block)
            yield block
            if on_bytes is not None:
                on_bytes(len(block))
