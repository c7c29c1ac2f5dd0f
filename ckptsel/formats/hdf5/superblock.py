"""Where an HDF5 file begins, and where it says that it ends.

Source: HDF5 File Format Specification 3.0, section II.A (Format Signature and Superblock).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.formats.window import Window

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SUPERBLOCK_BYTES = 48

# Superblock version → where its end-of-file address stands.
_END_AT = {0: 40, 1: 44, 2: 28, 3: 28}
_FLAGS_AT = 11
_OPEN_FOR_WRITING = 0b001


def is_hdf5(path: str, head: bytes) -> bool:
    """Whether a file's first bytes, or the places after a user block, have the signature."""
    if head[:8] == SIGNATURE:
        return True
    offset = 512
    while offset + 8 <= len(head):
        if head[offset : offset + 8] == SIGNATURE:
            return True
        offset *= 2
    if len(head) < offset:
        return False
    try:
        with open_regular(path) as file:
            while True:
                file.seek(offset)
                found = file.read(8)
                if found == SIGNATURE or len(found) < 8:
                    return found == SIGNATURE
                offset *= 2
    except OSError:
        return False


def superblock_offset(window: Window) -> int | None:
    """Where the superblock stands: at 0, 512, 1024, 2048, …; None if there is none.

    Raises:
        OSError: if the file cannot be read.
    """
    offset = 0
    while offset + 8 <= window.size:
        window.seek(offset)
        if window.read(8) == SIGNATURE:
            return offset
        offset = offset * 2 or 512
    return None


def superblock_findings(window: Window, path: str) -> Iterator[Finding]:
    """What the superblock tells of a writer that did not finish, or of bytes that are gone.

    In a sound file the end-of-file address, which counts a user block in, is the file's size.

    Raises:
        OSError: if the file cannot be read.
    """
    offset = superblock_offset(window)
    if offset is None:
        yield Finding("hdf5-no-superblock", "no HDF5 signature: overwritten or cut off", path)
        return
    window.seek(offset)
    block = window.read(min(_SUPERBLOCK_BYTES + 4, window.size - offset))
    version = block[8] if len(block) > 8 else -1
    at = _END_AT.get(version)
    if at is None or len(block) < at + 8:
        yield Finding("hdf5-no-superblock", "the HDF5 superblock is broken or cut off", path)
        return
    if version >= 2 and block[_FLAGS_AT] & _OPEN_FOR_WRITING:
        yield Finding("hdf5-not-closed", "the writer did not close this HDF5 file", path)
    end = int.from_bytes(block[at : at + 8], "little")
    if end > window.size:
        yield Finding(
            "hdf5-truncated",
            f"truncated: {window.size:,} of {end:,} bytes are there",
            path,
        )
    elif end < window.size:
        yield Finding(
            "hdf5-not-closed",
            f"the writer did not finish: the file says {end:,} bytes and has {window.size:,}",
            path,
        )
