"""Whether two checkpoints are one: linked to each other, or the same bytes."""

from __future__ import annotations

import filecmp
import os
from typing import TYPE_CHECKING

from ckptsel import storage
from ckptsel.checkpoint import Finding
from ckptsel.transfer.failures import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.checkpoint import Checkpoint, Ranked


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

    Raises:
        CopyError: if one cannot be read.
    """
    files, others = _files(one), _files(other)
    if len(files) != len(others):
        return False
    pairs = [*zip(files, others, strict=True)]
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
