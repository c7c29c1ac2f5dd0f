"""The log of one folder: read on from where the reading ended, and added to."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ckptsel.storage import open_regular
from ckptsel.training_log.parse import LONGEST_BYTES, read_line

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has none
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from ckptsel.training_log.events import Removed, Saved

LOG_NAME = "ckptsel.jsonl"
# What is compared to see that the log is still the one that was read.
_TAIL_BYTES = 256


class TrainingLog:
    """The log of one folder.

    Attributes:
        folder: where it stands, with the checkpoints.
        path: its own path.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.path = os.path.join(folder, LOG_NAME)
        self._read_bytes = 0
        self._tail = b""
        self._is_within_long = False

    def news(self) -> Iterator[Saved | Removed]:
        """What was added since the last call; all there is at first, and when the log is another.

        Raises:
            OSError: if it is there, and cannot be read, or is no regular file.
        """
        if not os.path.lexists(self.path):
            return
        with open_regular(self.path) as file:
            self._go_on(file)
            while line := file.readline(LONGEST_BYTES):
                is_whole = line.endswith(b"\n")
                if not is_whole and len(line) < LONGEST_BYTES:
                    break  # half a line: it may become a whole one
                self._read_bytes += len(line)
                self._tail = line[-_TAIL_BYTES:]
                event = None if self._is_within_long or not is_whole else read_line(line)
                self._is_within_long = not is_whole
                if event is not None:
                    yield event

    def _go_on(self, file: BinaryIO) -> None:
        """To where the reading ended; to the start if the log was replaced or cut since then.

        Its inode would not tell: a new file often gets that of the one that was removed.
        """
        file.seek(self._read_bytes - len(self._tail))
        if file.read(len(self._tail)) != self._tail:
            file.seek(0)
            self._read_bytes, self._tail, self._is_within_long = 0, b"", False

    def append(self, event: Saved | Removed) -> None:
        """Add a line, down to the disk.

        Raises:
            OSError: if that is not possible. There may be half a line then, which spoils nothing.
        """
        with open_regular(self.path, "ab+") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
            # Somebody was killed within a line.
            start = b"\n" if end and file.read(1) != b"\n" else b""
            file.write(start + event.line().encode())
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Let no other training write here meanwhile, where the system knows locks.

        Yields:
            Whether there is a lock.

        Raises:
            OSError: if the log cannot be created, or is no regular file.
        """
        with open_regular(self.path, "ab") as file:
            held = False
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    held = True
                except OSError:
                    pass  # some network file systems have none
            yield held
