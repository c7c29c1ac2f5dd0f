"""Which checkpoints are to be verified: those of a search, also the incomplete ones, and any file.

Ranking passes over what is incomplete or has an unknown suffix. Here that is what is looked for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ckptsel import storage
from ckptsel.errors import NothingFoundError, StrictError
from ckptsel.formats import format_of
from ckptsel.search.scan import Scan
from ckptsel.selection import select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ckptsel.checkpoint import Checkpoint, Finding
    from ckptsel.search.query import Query

# What a search passes over for a fault of the very kind that is to be found.
_FAULTY = frozenset({"incomplete-checkpoint", "vanished"})
# What it says of places, and not of names, which do not matter here.
_OF_PLACES = frozenset({"unfinished", "unreadable-folder"})


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is to be verified.

    Attributes:
        sizes: path → size in bytes, -1 where it is not known; in the order of the paths.
        findings: what was noticed while looking for them.
    """

    sizes: dict[str, int]
    findings: tuple[Finding, ...]


def candidates(query: Query, progress: Callable[[int], None] | None = None) -> Candidates:
    """Find what is to be verified.

    Args:
        query: where to look. Monitor, mode and ties do not matter.
        progress: is told now and then how many files have been seen.

    Raises:
        LocationNotFoundError: if a location does not exist.
        NothingFoundError: if there is nothing to verify.
        PatternError: for a malformed pattern.
        StrictError: if `query.strict`, and a folder cannot be read.
    """
    checkpoints: list[Checkpoint] = []
    nothing: NothingFoundError | None = None
    try:
        ranking = select(
            replace(query, strict=False, monitor=None, logs="ignore"), rank=False, progress=progress
        )
        checkpoints = [row.checkpoint for row in ranking.rows]
        findings = ranking.findings
    except NothingFoundError as error:
        nothing, findings = error, _scanned(query)
    sizes = {checkpoint.path: checkpoint.size_bytes for checkpoint in checkpoints}
    # A prefix without its data is told of by its index, and loaded by its own name.
    faulty = [found.path for found in findings if found.code in _FAULTY]
    sizes |= dict.fromkeys((path.removesuffix(".index") for path in faulty), -1)
    known = {*sizes, *(file for checkpoint in checkpoints for file in checkpoint.files)}
    for path in query.locations if query.files is None else query.files:
        # A data file of a prefix that is verified anyway adds nothing.
        is_part = path in known or any(path.startswith(prefix + ".") for prefix in sizes)
        if not is_part and _is_named(path, query, bare=nothing is not None):
            sizes[path] = _size_bytes(path)
    if not sizes and nothing:
        raise nothing
    said = tuple(finding for finding in findings if finding.code in _OF_PLACES)
    grave = [finding.said for finding in said if finding.strict]
    if query.strict and grave:
        raise StrictError(f"under --strict: {grave[0]}", details=tuple(grave[1:5]))
    return Candidates(dict(sorted(sizes.items())), said)


def _scanned(query: Query) -> tuple[Finding, ...]:
    """What a walk notices where a search comes to nothing."""
    scan = Scan(query.max_depth, query.include, query.exclude)
    walk = scan.folders(query.locations) if query.files is None else scan.files(query.files)
    for _ in walk:
        pass
    return tuple(scan.findings)


def _is_named(path: str, query: Query, *, bare: bool) -> bool:
    """Whether something was named itself: any file; a folder only if nothing else is there."""
    if _matches(path, query.exclude) or (query.include and not _matches(path, query.include)):
        return False
    if storage.is_folder(path):
        return bare and format_of(path) is not None
    return storage.exists(path)


def _matches(path: str, globs: Iterable[str]) -> bool:
    names = (path, os.path.basename(path))
    return any(fnmatchcase(name, glob) for glob in globs for name in names)


def _size_bytes(path: str) -> int:
    try:
        return -1 if storage.is_folder(path) else storage.stat(path).size_bytes
    except OSError:
        return -1
