"""Whether somebody writes to checkpoints while they are read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ckptsel.errors import CopyError
from ckptsel.transfer.failures import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Ranked


def stamps(rows: Sequence[Ranked]) -> list[tuple[int, int, int]]:
    """What changes if somebody writes to the members: inode, size and time."""
    found = []
    for row in rows:
        for part in row.checkpoint.files:
            with reading(part):
                status = os.stat(part)
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return found


def check_unchanged(rows: Sequence[Ranked], before: list[tuple[int, int, int]]) -> None:
    """A training that goes on may have written over a member while it was read.

    Raises:
        CopyError: if so; half of the mean would be of the old one.
    """
    if stamps(rows) != before:
        raise CopyError(
            "a member changed while it was averaged",
            hint="wait until it is saved, and try again",
        )
