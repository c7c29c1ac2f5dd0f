"""Whether two checkpoints are one: linked to each other, the same bytes, or saved twice."""

from __future__ import annotations

import filecmp
import os
from contextlib import ExitStack
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias

from ckptsel import storage
from ckptsel.checkpoint import Finding
from ckptsel.comparison.config_differences import gravest_difference
from ckptsel.errors import DamagedError
from ckptsel.formats.keras.archive import CONFIG, METADATA, KerasArchive
from ckptsel.formats.keras.members import ZipMembers
from ckptsel.transfer.failures import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.checkpoint import Checkpoint, Ranked

Outline: TypeAlias = "tuple[tuple[str, int, int | None], ...]"
"""Name, size and checksum of each member of an archive."""


def counted_once(rows: Iterable[Ranked]) -> tuple[list[Ranked], list[Finding]]:
    """Rows without those that are the same checkpoint as one before, and what to say of these.

    Raises:
        CopyError: if one cannot be read.
    """
    kept: list[Ranked] = []
    findings = []
    for row in rows:
        path = row.checkpoint.path
        same = next((one for one in kept if is_same(one.checkpoint, row.checkpoint)), None)
        if same is None:
            kept.append(row)
        else:
            message = f"is the same as {same.checkpoint.path!r}, and is counted once"
            findings.append(Finding("same-member", message, path))
    return kept, findings


def is_same(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether two checkpoints are the same files, or files of the same content.

    A `.keras` tells when it was saved, and so is never the same bytes again.

    Raises:
        CopyError: if one cannot be read.
    """
    files, others = _files(one), _files(other)
    if len(files) != len(others):
        return False
    pairs = [*zip(files, others, strict=True)]
    if len(pairs) == 1 and _is_saved_twice(*pairs[0]):
        return True
    return all(_size_bytes(a) == _size_bytes(b) for a, b in pairs) and all(
        _is_same_file(a, b) for a, b in pairs
    )


def _files(checkpoint: Checkpoint) -> Sequence[str]:
    found = []
    for path in checkpoint.files:
        if os.path.isdir(path):
            for above, folders, names in os.walk(path):
                folders.sort()
                found += [os.path.join(above, name) for name in sorted(names)]
        else:
            found.append(path)
    return found


def _size_bytes(path: str) -> int:
    with reading(path):
        return os.stat(path).st_size


def _is_same_file(one: str, other: str) -> bool:
    with reading(one):
        identity = storage.identity(one)
    with reading(other):
        if identity == storage.identity(other):
            return True
    with reading(one):
        # Not shallow: it stops at the first byte in which they differ.
        return filecmp.cmp(one, other, shallow=False)


def _is_saved_twice(one: str, other: str) -> bool:
    """Whether two archives of Keras hold the same model with the same weights."""
    outline = _outline_of(one)
    if not outline or outline != _outline_of(other):
        return False
    try:
        with ExitStack() as stack:
            a, b = (
                stack.enter_context(KerasArchive(path, ZipMembers(path))) for path in (one, other)
            )
            return not gravest_difference(a.config or {}, b.config or {}) and all(
                x == y
                for name, *_ in outline
                for x, y in zip_longest(a.members.blocks(name), b.members.blocks(name))
            )
    except DamagedError:
        return False  # Of which whoever reads it is told.


def _outline_of(path: str) -> Outline:
    if not path.endswith(".keras"):
        return ()
    with reading(path):
        status = os.stat(path)
    return _outline(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _outline(path: str, size_bytes: int, mtime_ns: int) -> Outline:
    """What an archive holds beside JSON; () for no archive. Asked for again for every other one."""
    del size_bytes, mtime_ns  # They are asked by: a file that changes is another one.
    try:
        members = ZipMembers(path)
    except DamagedError:
        return ()
    try:
        names = [name for name in members.files() if name not in (CONFIG, METADATA)]
        return tuple((name, members.size_bytes(name), members.crc(name)) for name in names)
    finally:
        members.close()
