"""The single steps of a careful write: a name, the bytes, the sync, the clearing away."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil

from ckptsel.transfer.failures import writing

# What file systems answer that cannot sync a folder (FUSE, SMB, a folder without read permission).
_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM}

# What begins so is no checkpoint to the scan.
_PREFIX = ".ckptsel-"
_LONGEST_NAME_BYTES = 255


def temporary_name(final: str) -> str:
    """A new name in the same folder: short, so that it fits where a 255-byte name does."""
    return os.path.join(os.path.dirname(final), f"{_PREFIX}{secrets.token_hex(6)}.tmp")


def aside_name(final: str) -> str:
    """A new name in the same folder that tells whose it is: for what stood at a final name.

    After a kill only this name says what the file was. One of more than about 230 bytes is cut.
    """
    folder, name = os.path.split(final)
    head = f"{_PREFIX}old-{secrets.token_hex(4)}-"
    while len(os.fsencode(name)) > _LONGEST_NAME_BYTES - len(head):
        name = name[:-1]  # By characters: some file systems take UTF-8 only.
    return os.path.join(folder, head + name)


def left_behind(folder: str) -> list[str]:
    """The names in a folder that only a kill leaves there, or a write that still goes on."""
    try:
        return sorted(name for name in os.listdir(folder or os.curdir) if name.startswith(_PREFIX))
    except OSError:
        return []


def write_file(path: str, content: bytes, *, target: str) -> None:
    """Write a small new file, down to the disk.

    Args:
        path: where, under a temporary name.
        content: all of it.
        target: the name that an error shall name.

    Raises:
        DestinationError: if that is not possible.
    """
    with writing(target), open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: str) -> None:
    """Make renames in a folder survive a power failure, where the system can.

    Raises:
        OSError: if the disk failed.
    """
    if os.name != "posix":  # pragma: no cover - Windows opens no folders, and needs no such thing
        return
    try:
        number = os.open(path or os.curdir, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def remove(path: str) -> None:
    """Remove a file or a folder, if it is there and that is permitted."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)
