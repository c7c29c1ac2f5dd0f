"""Whose log is it? The run that a file belongs to, and which files are one log."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.search.grouping import is_of_logs
from ckptsel.sources import kind_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ckptsel.search.grouping import Folder
    from ckptsel.search.places import TableIn
    from ckptsel.sources.log import LogKind, LogRow

# Where a table stands that the user named: it is asked first.
GIVEN = -1


class FoundLog(NamedTuple):
    """A log of one run, of one file or of several. They sort by who is asked first."""

    place: int
    distance: int
    path: str
    kind: LogKind
    paths: Sequence[str] = ()
    is_elsewhere: bool = False

    def rows(self, run: str, findings: list[Finding]) -> Iterator[LogRow]:
        """The log's rows; of several files, if it has them.

        Raises:
            OSError: if it cannot be read.
        """
        if self.kind.read_together is not None:
            return self.kind.read_together(run, self.paths, findings)
        return self.kind.read(self.path, findings)

    def source(self, run: str) -> str:
        """What the source of its values begins with, before the line."""
        if self.paths:
            return f"{self.kind.name}:"
        inner = self.path.removeprefix(run + os.sep).replace(os.sep, "/")
        return f"{self.kind.name}:{inner}:"


def enclosing(folder: Folder, runs: Collection[str]) -> str | None:
    """The nearest run folder from a log's folder upwards, None if there is none."""
    path = folder.path
    while path not in runs:
        above = os.path.dirname(path)
        if path in (folder.root, above):
            return None
        path = above
    return path


def is_elsewhere(folder: str, run: str, places: Sequence[TableIn]) -> bool:
    """Whether a log's folder, below a run's, may be that of another run without checkpoints."""
    if any(place.folder.path == folder for place in places):
        return False
    inner = os.path.relpath(folder or os.curdir, run or os.curdir)
    return not all(part == os.curdir or is_of_logs(part) for part in inner.split(os.sep))


def recognised(findings: list[Finding], folder: Folder, run: str) -> Iterable[FoundLog]:
    """The logs among the files of a folder; what cannot be read is a finding."""
    for name in folder.logs:
        path = folder.join(name)
        try:
            kind = kind_of(path, name)
        except OSError as error:
            findings.append(unreadable(path, error))
            continue
        if kind is not None:
            distance = folder.path.count(os.sep) - run.count(os.sep)
            yield FoundLog(kind[0], distance, path, kind[1])


def unreadable(path: str, error: OSError) -> Finding:
    """That a log cannot be read."""
    return Finding("log-unreadable", f"cannot be read: {error.strerror}", path, strict=True)


def together(logs: Iterable[FoundLog], run: str) -> Iterable[FoundLog]:
    """The logs, where those of several files are one."""
    several: dict[tuple[int, bool], list[FoundLog]] = {}
    for log in logs:
        if log.kind.read_together is None:
            yield log
        else:
            # What names the files is not doubtful, wherever it stands.
            is_doubtful = log.is_elsewhere and "file" not in log.kind.offsets
            several.setdefault((log.place, is_doubtful), []).append(log)
    for ones in several.values():
        path = ones[0].path if len(ones) == 1 else run or os.curdir
        paths = sorted(one.path for one in ones)
        yield ones[0]._replace(distance=min(o.distance for o in ones), path=path, paths=paths)
