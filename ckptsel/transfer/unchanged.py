"""Whether somebody writes to checkpoints while they are read."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from ckptsel.errors import CkptselError, CopyError
from ckptsel.transfer.failures import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Stamp: TypeAlias = tuple[int, int, int]


def stamps(files: Iterable[str]) -> list[Stamp]:
    """What changes if somebody writes to files, or to those in folders: inode, size and time.

    Raises:
        CopyError: if one is gone.
    """
    found = []
    for part in files:
        with reading(part):
            status = os.stat(part)
        found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        for above, folders, names in os.walk(part):
            folders.sort()
            for name in sorted(names):
                status = os.lstat(os.path.join(above, name))
                found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return found


def check_unchanged(files: Sequence[str], before: list[Stamp], what: str) -> None:
    """A training that goes on may have written over a file while it was read.

    Args:
        files: all that were read.
        before: their `stamps`, before they were.
        what: what is said of it.

    Raises:
        CopyError: if so; half of what was made would be of the old one.
    """
    if stamps(files) != before:
        raise CopyError(what, hint="wait until it is saved, and try again")


@contextmanager
def unchanged(files: Sequence[str], before: list[Stamp], what: str) -> Iterator[None]:
    """Tell an error in the block by its cause, if it comes from a file that changed meanwhile.

    Args and errors are those of `check_unchanged`.
    """
    try:
        yield
    except CkptselError:
        check_unchanged(files, before, what)
        raise
