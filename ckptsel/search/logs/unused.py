"""The logs that lie there and were not used, and why: told where a value is not found."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

from ckptsel.search.grouping import run_of
from ckptsel.sources import HEAD_BYTES, kind_of
from ckptsel.sources.unknown import why_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.search.survey import Survey

_SHOWN = 5


def unused_logs(found: Survey) -> tuple[str, ...]:
    """A sentence for each log that gave nothing and of which no finding tells; a few of many."""
    said = [*islice(_unused(found), _SHOWN + 1)]
    return (*said[:_SHOWN], "and more logs that were not used") if said[_SHOWN:] else (*said,)


def _unused(found: Survey) -> Iterator[str]:
    used = {file for log in found.logs for file in (log.files or (log.path,))}
    told = {finding.path for finding in found.findings}
    runs = {place.run for place in found.read}
    runs |= {run_of(one.folder.path, one.folder.root) for one in found.unread}
    for log in found.logs:
        if not log.joined and log.files:
            inner = [os.path.relpath(file, log.path) for file in log.files[:_SHOWN]]
            yield f"{log.path}: its log of {log.kind} is {', '.join(inner)}"
        elif not log.joined and not any(
            log.path == said.path or log.path in said.message for said in found.findings
        ):
            yield f"{log.path}: none of its rows is about what a name tells: not used"
    for folder in found.folders:
        for path in map(folder.join, folder.logs):
            if path in used or path in told or not os.path.isfile(path):
                continue
            why = _why(path, folder.path, runs)
            if why:
                yield f"{path}: {why}: not used"


def _why(path: str, folder: str, runs: set[str]) -> str:
    try:
        if kind_of(path, os.path.basename(path)) is None:
            with open(path, "rb") as file:
                return why_unknown(file.read(HEAD_BYTES))
    except OSError:
        return ""  # which the search has told
    above = os.path.join(folder, "")
    below = sorted(run for run in runs if run.startswith(above) or folder in ("", os.curdir))
    if not below:
        return "lies in the folder of no run that was found"
    if len(below) == 1:
        return f"lies above the run {below[0]!r}, and may be about others"
    return f"lies above {len(below)} runs, as {below[0]!r}, and says of none that it is its log"
