"""A file that is open only while a piece of it is read, so that thousands can be read by turns."""

from __future__ import annotations

import errno
import io
import os

from ckptsel.storage import open_regular

# So much is read at a time of each of many files.
_PIECE_BYTES = 2**16


def reopened(path: str, piece_bytes: int = _PIECE_BYTES) -> io.BufferedReader:
    """Open a file to be read from its begin to its end, which takes none of the process's files.

    Raises:
        OSError: if it is no file, or cannot be opened; when it is read, if it is another one by
            then.
    """
    return io.BufferedReader(_Reopened(path), piece_bytes)


class _Reopened(io.RawIOBase):
    def __init__(self, path: str) -> None:
        self._path = path
        self._at = 0
        with open_regular(path) as file:
            self._identity = _identity(file.fileno())

    def readable(self) -> bool:
        """As every file that is read."""
        return True

    def readinto(self, into: object) -> int:
        """Read on into a buffer, and say how many bytes."""
        with open_regular(self._path) as file:
            if _identity(file.fileno()) != self._identity:
                raise OSError(errno.ESTALE, "it was replaced while it was read", self._path)
            file.seek(self._at)
            count: int = file.readinto(into)  # type: ignore[attr-defined]
        self._at += count
        return count


def _identity(number: int) -> tuple[int, int]:
    found = os.fstat(number)
    return found.st_dev, found.st_ino
