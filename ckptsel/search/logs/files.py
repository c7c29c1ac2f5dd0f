"""The files that a log names, and whether they are still those that it tells of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ckptsel import storage
from ckptsel.checkpoint import Finding
from ckptsel.training_log.identity import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.search.places import TableIn
    from ckptsel.sources.joining.joined import Joined
    from ckptsel.sources.log import LogRow


class Doubt(NamedTuple):
    """What a log says of a file which has another time by now.

    Attributes:
        path: the checkpoint.
        row: what the log says.
        log: the log's path.
    """

    path: str
    row: LogRow
    log: str


def files_from(places: Sequence[TableIn], folder: str) -> dict[str, int]:
    """The paths of all checkpoints relative to a log's folder → their index."""
    files: dict[str, int] = {}
    index = 0
    for place in places:
        inner = os.path.relpath(place.folder.path or os.curdir, folder or os.curdir)
        before = "" if inner == os.curdir else inner.replace(os.sep, "/") + "/"
        for name in place.table.names:
            files[before + name] = index
            index += 1
    return files


def of_these_files(
    joined: Joined,
    places: Sequence[TableIn],
    path: str,
    findings: list[Finding],
    doubted: list[Doubt],
) -> Joined:
    """Without the rows about a file of another size: that file was replaced.

    Args:
        joined: the rows that name files.
        places: the checkpoints, in the order of the rows.
        path: the log's, for findings.
        findings: takes what was taken away.
        doubted: takes the files of another time, which are read where they would win.
    """
    rows = list(joined.rows)
    paths = ((place, name) for place in places for name in place.table.names)
    for index, (place, name) in enumerate(paths):
        row = rows[index]
        if row is None or row.mark is None or row.mark == Mark():
            continue
        try:
            stats = [storage.stat(file) for file in place.folder.files_of(name)]
        except OSError:
            continue  # it is gone, which is said where it is looked at
        size = sum(stat.size_bytes for stat in stats)
        is_it = row.mark.is_of(size, stats[0].mtime_ns)
        if is_it is None and row.mark[1:] != Mark()[1:]:
            doubted.append(Doubt(place.folder.join(name), row, path))
        if is_it is False:
            rows[index] = None
            said = f"line {row.place} tells of a {name!r} of {row.mark.size_bytes} bytes, and"
            said += f" it has {size}: the log is not about this file, and was not used for it"
            findings.append(Finding("log-other-file", said, path, strict=True))
    return joined._replace(rows=rows)
