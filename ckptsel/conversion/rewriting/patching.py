"""A file copied with some of its bytes replaced by as many others, in one pass."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

from ckptsel.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BLOCK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Patch:
    """New bytes for a range of a file.

    Attributes:
        start: where it begins.
        size_bytes: how long it is.
        blocks: the new bytes, as many.
    """

    start: int
    size_bytes: int
    blocks: Iterator[memoryview]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + self.size_bytes


def in_order(patches: Iterable[Patch], path: str) -> list[Patch]:
    """Patches as they stand in the file.

    Raises:
        DamagedError: if two of them overlap: a file that claims the same bytes twice.
    """
    found = sorted((patch for patch in patches if patch.size_bytes), key=lambda patch: patch.start)
    for one, other in pairwise(found):
        if other.start < one.end:
            raise DamagedError(f"two tensors of {path!r} share their bytes")
    return found


def content(
    file: BinaryIO, start: int, stop: int, patches: Iterable[Patch] = ()
) -> Iterator[memoryview]:
    """The bytes of a file from `start` to `stop`, with patches, which are in order and inside.

    Raises:
        DamagedError: if the file ends before.
    """
    for patch in patches:
        yield from _as_it_is(file, start, patch.start)
        yield from patch.blocks
        start = patch.end
    yield from _as_it_is(file, start, stop)


def _as_it_is(file: BinaryIO, start: int, stop: int) -> Iterator[memoryview]:
    while start < stop:
        # Placed anew for each block: others read the same file meanwhile.
        file.seek(start)
        data = file.read(min(_BLOCK_BYTES, stop - start))
        if not data:
            raise DamagedError(f"{file.name!r} became shorter while it was read")
        start += len(data)
        yield memoryview(data)


def write_patched(source: str, dest: str, patches: Iterable[Patch]) -> None:
    """Copy a file with patches.

    Raises:
        DamagedError: if they overlap, or the source ends before they do.
        OSError: if it cannot be written.
    """
    ordered = in_order(patches, source)
    with open(source, "rb") as file, open(dest, "xb") as out:
        size_bytes = os.fstat(file.fileno()).st_size
        if ordered and ordered[-1].end > size_bytes:
            raise DamagedError(f"{source!r} ends before its values do")
        out.writelines(content(file, 0, size_bytes, ordered))
