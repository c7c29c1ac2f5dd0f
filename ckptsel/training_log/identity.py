"""Is a file the very one that a line tells of? The one rule for whoever asks."""

from __future__ import annotations

from typing import NamedTuple

from ckptsel.storage import open_regular

_PIECE_BYTES = 2**20


class Mark(NamedTuple):
    """What a line says by which its file can be told from others.

    Attributes:
        size_bytes: the file's; -1 if the line tells none.
        mtime_ns: when it was written, in nanoseconds since 1970; None if the line does not tell.
        sha256: of the file, as hexadecimal digits; "" if the line does not tell.
    """

    size_bytes: int = -1
    mtime_ns: int | None = None
    sha256: str = ""

    def is_of(self, size_bytes: int, mtime_ns: int) -> bool | None:
        """Whether a file is the one that was saved, as far as that shows without reading it.

        All weights files of one model have the same size, and a copied folder has other times: so
        a file of another size is another one, one of the same time is the same, and of the rest
        only the bytes tell.

        Args:
            size_bytes: the file's.
            mtime_ns: the file's.

        Returns:
            None if only its bytes can tell.
        """
        if 0 <= self.size_bytes != size_bytes:
            return False
        return True if self.mtime_ns == mtime_ns else None


def sha256_of(path: str) -> str:
    """The SHA-256 of a file, as hexadecimal digits.

    Raises:
        OSError: if it cannot be read, or is no regular file.
    """
    import hashlib  # noqa: PLC0415 - most logs are believed by the time of the file

    found = hashlib.sha256()
    with open_regular(path) as file:
        while piece := file.read(_PIECE_BYTES):
            found.update(piece)
    return found.hexdigest()
