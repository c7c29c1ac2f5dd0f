"""The one seam to bytes: local paths now."""

from __future__ import annotations

import errno
import os
import sys
from stat import S_ISDIR, S_ISREG
from typing import BinaryIO, Literal, NamedTuple

from ckptsel.errors import LocationNotFoundError, UsageError


class Entries(NamedTuple):
    """What one folder holds.

    Attributes:
        files: names of regular files, and of links that lead to no folder, or nowhere.
        folders: names of folders, and of links to some.
        links: which of the folders are links.
        special: how many entries are neither: pipes, sockets, devices.
    """

    files: list[str]
    folders: list[str]
    links: frozenset[str] = frozenset()
    special: int = 0


class Stat(NamedTuple):
    """What is known of a file or a folder without reading it.

    Attributes:
        size_bytes: of a folder, all its files together.
        modified: seconds since 1970; of a folder, the newest of its files.
        identity: the same for hard links and for links to the same file.
        mtime_ns: nanoseconds since 1970; of a folder, when something was last added or removed.
    """

    size_bytes: int
    modified: float
    identity: tuple[int, int]
    mtime_ns: int


def entries(folder: str) -> Entries:
    """List a folder, in the order of the names.

    Raises:
        OSError: if it is unreadable or gone.
    """
    files: list[str] = []
    folders: list[str] = []
    links: list[str] = []
    special = 0
    with os.scandir(folder or os.curdir) as found:
        for entry in found:
            try:
                if entry.is_file() or (entry.is_symlink() and not entry.is_dir()):
                    files.append(entry.name)
                elif entry.is_dir():
                    folders.append(entry.name)
                    if entry.is_symlink():
                        links.append(entry.name)
                else:
                    special += 1
            except OSError:  # noqa: PERF203 - a link that leads round must not lose the others
                special += 1
    return Entries(sorted(files), sorted(folders), frozenset(links), special)


def identity(path: str) -> tuple[int, int]:
    """Device and inode of what a path leads to.

    Raises:
        OSError: if it leads nowhere.
    """
    found = os.stat(path)
    return found.st_dev, found.st_ino


def stat(path: str) -> Stat:
    """Size, age and identity.

    Raises:
        OSError: if the path leads nowhere.
    """
    found = os.stat(path)
    size, modified = found.st_size, found.st_mtime
    if os.path.isdir(path):
        size = 0
        for folder, _, names in os.walk(path):
            for name in names:
                inner = os.stat(os.path.join(folder, name))
                size += inner.st_size
                modified = max(modified, inner.st_mtime)
    return Stat(size, modified, (found.st_dev, found.st_ino), found.st_mtime_ns)


def is_folder(path: str) -> bool:
    """Whether the path leads to a folder."""
    return os.path.isdir(path)


def exists(path: str) -> bool:
    """Whether the path leads anywhere."""
    return os.path.exists(path)


def open_regular(path: str, mode: Literal["rb", "ab", "ab+"] = "rb") -> BinaryIO:
    """Open a file to be read, or added to, if it is one.

    A pipe would be waited for, perhaps for ever, and a device may do anything: a stranger's folder
    may have one in the place of any file.

    Raises:
        OSError: if it cannot be opened, or is no regular file.
    """
    return open(path, mode, opener=_regular)


def _regular(path: str, flags: int) -> int:
    # Without waiting: on a regular file the flag means nothing. Windows has neither flag nor pipes.
    number = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    mode = os.fstat(number).st_mode
    if S_ISREG(mode):
        return number
    os.close(number)
    if S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "it is a pipe, a socket or a device", path)


def lines(source: str, *, separator: bytes) -> tuple[str, ...]:
    """The paths in a file, or on standard input for `-`.

    Args:
        source: a path or `-`.
        separator: what ends a path: a newline or NUL. A carriage return before each newline,
            as Windows writes it, is no part of a name.

    Raises:
        LocationNotFoundError: if the file cannot be read.
        UsageError: if names that end with NUL are read as lines.
    """
    try:
        if source == "-":
            data = sys.stdin.buffer.read() if sys.stdin else b""
        else:
            with open(source, "rb") as file:
                data = file.read()
    except OSError as error:
        raise LocationNotFoundError(f"cannot read {source}: {error.strerror}") from None
    if separator == b"\n":
        if b"\0" in data:
            raise UsageError(
                f"{source} holds NUL bytes, which are in no name",
                hint="names that end with NUL, as from find -print0, are read by --files0-from",
            )
        if data.count(b"\n") == data.count(b"\r\n"):
            data = data.replace(b"\r\n", b"\n")
    return tuple(os.fsdecode(line) for line in data.split(separator) if line)
