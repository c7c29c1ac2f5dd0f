"""Files that may be others than those a log tells of: read where it matters."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.training_log.identity import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckptsel.checkpoint import Checkpoint
    from ckptsel.search.logs.files import Doubt
    from ckptsel.search.survey import Survey
    from ckptsel.sources.log import LogRow


def settle(found: Survey, checkpoints: Iterable[Checkpoint]) -> list[Finding]:
    """Read the doubted ones of these checkpoints; what a log says of another file is taken away.

    Returns:
        What was taken away, and is not in `found.read` any more.
    """
    paths = {checkpoint.path for checkpoint in checkpoints}
    others: list[Doubt] = []
    left: list[Doubt] = []
    for doubt in found.doubted:
        is_same = is_it(doubt) if doubt.path in paths else None
        if is_same is None:
            left.append(doubt)
        elif not is_same:
            others.append(doubt)
    found.doubted = left
    if others:
        _take_away(found, {id(doubt.row) for doubt in others})
    return [
        Finding(
            "log-other-file",
            f"line {doubt.row.place} tells of a {os.path.basename(doubt.path)!r} with another"
            " SHA-256: the log is not about this file, and was not used for it",
            doubt.log,
            strict=True,
        )
        for doubt in others
    ]


def unread(found: Survey, checkpoints: Iterable[Checkpoint]) -> Iterator[Finding]:
    """What is to be said of these checkpoints, if they are doubted still: one finding a log."""
    paths = {checkpoint.path for checkpoint in checkpoints}
    logs: dict[str, list[Doubt]] = {}
    for doubt in found.doubted:
        if doubt.path in paths:
            logs.setdefault(doubt.log, []).append(doubt)
    for log, doubts in logs.items():
        files = "1 file was" if len(doubts) == 1 else f"{len(doubts)} files were"
        first = os.path.basename(doubts[0].path)
        said = f"{files} written at another time than the log says, as {first!r}, and not read:"
        said += " it may tell of others"
        yield Finding("log-unconfirmed", said, log, strict=True)


def is_it(doubt: Doubt) -> bool | None:
    """Whether the bytes are those that were saved; None if that cannot be told."""
    mark = doubt.row.mark
    if mark is None or not mark.sha256:
        return None
    try:
        return sha256_of(doubt.path) == mark.sha256
    except OSError:
        return None


def _take_away(found: Survey, rows: set[int]) -> None:
    def left(of: Sequence[LogRow | None]) -> list[LogRow | None]:
        return [None if id(row) in rows else row for row in of]

    found.read = [
        place._replace(logs=tuple(log._replace(rows=left(log.rows)) for log in place.logs))
        for place in found.read
    ]
    found.reads = [
        read._replace(joined=read.joined._replace(rows=left(read.joined.rows)))
        for read in found.reads
    ]
    found.forget()
