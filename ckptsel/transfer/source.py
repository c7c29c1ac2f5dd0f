"""Reading what is to be copied: all of its parts, byte for byte, and unchanged meanwhile."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.errors import CopyError
from ckptsel.transfer.failures import reading, writing

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """One file or folder, as it was when it was looked at.

    Attributes:
        inside: its path below the top one, "" for that itself.
        is_folder: whether it is a folder.
        size_bytes: of a file.
        modified_ns: of a file, in nanoseconds since 1970.
        mode: its permission bits.
    """

    inside: str
    is_folder: bool
    size_bytes: int
    modified_ns: int
    mode: int


def list_parts(source: str) -> tuple[Part, ...]:
    """A file, or a folder and all that is in it, a folder before what it holds.

    Links count as what they lead to: the copy must stand on its own.

    Raises:
        CopyError: if something is gone, unreadable, no file, or a link that leads round.
    """
    return tuple(_parts(source, "", ()))


def _parts(source: str, inside: str, above: tuple[tuple[int, int], ...]) -> Iterator[Part]:
    with reading(source):
        status = os.stat(source)
    mode = status.st_mode & 0o777
    if not os.access(source, os.R_OK):
        raise CopyError(f"cannot read {source!r}: no permission", hint="get permission to read it")
    if stat.S_ISREG(status.st_mode):
        yield Part(inside, False, status.st_size, status.st_mtime_ns, mode)
        return
    # Opening a pipe would wait for ever.
    if not stat.S_ISDIR(status.st_mode):
        raise CopyError(f"{source!r} is neither a file nor a folder", hint="remove it from there")
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        raise CopyError(f"{source!r} is a link to a folder around it", hint="remove the link")
    yield Part(inside, True, 0, 0, mode)
    with reading(source):
        names = sorted(os.listdir(source))
    for name in names:
        below = os.path.join(source, name)
        yield from _parts(below, os.path.join(inside, name), (*above, identity))


def copy_file(
    source: str,
    temporary: str,
    part: Part,
    *,
    target: str,
    sha256: bool = False,
    on_bytes: Callable[[int], None] | None = None,
) -> str | None:
    """Copy one file to a new name, down to the disk.

    Args:
        source: the file.
        temporary: the new name.
        part: as it was listed.
        target: the name that an error shall name.
        sha256: whether to hash on the way.
        on_bytes: called with the number of bytes after each chunk.

    Returns:
        The SHA-256 in hex, if asked for.

    Raises:
        CopyError: if the source is gone, unreadable, or of another size than before.
        DestinationError: if it cannot be written.
    """
    digest = hashlib.sha256() if sha256 else None
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    copied = 0
    with reading(source):
        file = open(source, "rb", buffering=0)  # noqa: SIM115 - it is closed by the next line.
    with file, _create(temporary, part.mode, target) as out:
        while True:
            with reading(source):
                amount = file.readinto(buffer)
            if not amount:
                break
            copied += amount
            if copied > part.size_bytes:
                break
            chunk = buffer[:amount]
            if digest is not None:
                digest.update(chunk)
            with writing(target):
                while chunk:
                    chunk = chunk[out.write(chunk) :]
            if on_bytes is not None:
                on_bytes(amount)
        if copied != part.size_bytes:
            raise changed(source)
        with writing(target):
            os.fsync(out.fileno())
    return digest.hexdigest() if digest is not None else None


def _create(path: str, mode: int, target: str) -> io.FileIO:
    # The source's permissions, less the umask: what cp does.
    with writing(target):
        return open(path, "xb", buffering=0, opener=lambda p, flags: os.open(p, flags, mode))


def changed(source: str) -> CopyError:
    """The error for a source that somebody is still writing."""
    return CopyError(
        f"{source!r} changed while it was copied", hint="wait until it is saved, and try again"
    )
