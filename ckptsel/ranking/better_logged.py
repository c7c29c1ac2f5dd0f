"""A log that has a better value than any checkpoint, and a `best.keras` that may be of it."""

from __future__ import annotations

import math
import os
import re
from filecmp import cmp
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.history.logged import go_through
from ckptsel.history.trouble import is_better
from ckptsel.record import RECORD_SUFFIX
from ckptsel.search.grouping import run_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckptsel.checkpoint import Monitor
    from ckptsel.history.logged import Value
    from ckptsel.ranking.columns import Column
    from ckptsel.search.grouping import Folder
    from ckptsel.search.survey import Survey

_BEST = re.compile(r"(?<![a-z])best(?![a-z])", re.IGNORECASE)


class _Best:
    """The best of the values that it is shown: the lowest cost."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self.cost = math.inf
        self.value: Value | None = None

    def add(self, value: Value) -> None:
        """Take one."""
        cost = self._sign * value.value
        if cost < self.cost:
            self.cost, self.value = cost, value


def better_logged(
    found: Survey, monitor: Monitor, columns: Sequence[Column], *, each_run: bool
) -> Iterator[Finding]:
    """Say that a checkpoint called `best`, of which nothing else is known, may be the best.

    Keras's `save_best_only` keeps one such file, beside those of every tenth epoch.

    Args:
        found: what was found, with the logs that were joined.
        monitor: what was ranked by.
        columns: its values.
        each_run: whether the best of each run is an answer, and not only that of all.
    """
    called: dict[str, str] = {}
    for folder, name in _silent(found):
        path = folder.join(name)
        # What was copied by this program is one of the others.
        if _BEST.search(os.path.basename(name)) and not os.path.exists(path + RECORD_SUFFIX):
            called.setdefault(run_of(folder.path, folder.root), path)
    if not called:
        return
    sign = 1 if monitor.mode == "min" else -1
    own: dict[str, list[Column]] = {}
    for column in columns:
        own.setdefault(column.place.run if each_run else "", []).append(column)
    bests = {run: _best_of(of_run, sign) for run, of_run in own.items()}
    for read in found.reads:
        path, known = called.get(read.run, ""), bests.get(read.run if each_run else "")
        if not path or known is None or _is_same(path, *known):
            continue
        logged = go_through(read, monitor.name, lambda: _Best(sign), found.findings)
        metric = known[0].metric(known[1])
        if logged is None or logged.value is None or metric is None:
            continue
        point = logged.value.point(read)
        if is_better(point.value, metric, monitor):
            said = f"has no value, and its log has a better one than any: {point.value:g} in"
            said += f" {point.source}; `ckptsel which` may tell whether that is this file's"
            yield Finding("missing-value", said, path, strict=True)


def _best_of(columns: Iterable[Column], sign: int) -> tuple[Column, int] | None:
    """The column and the row of the best value, None if there is none."""
    bests = (
        (sign * value, -n, row, column)
        for n, column in enumerate(columns)
        for row, value in enumerate(column.values)
        if math.isfinite(value)
    )
    best = min(bests, key=lambda each: each[:3], default=None)
    return None if best is None else (best[3], best[2])


def _is_same(path: str, column: Column, row: int) -> bool:
    """Whether a file has the bytes of another checkpoint, and has any."""
    other = column.place.folder.join(column.names[row])
    try:
        are_files = os.path.isfile(path) and os.path.isfile(other)
        return are_files and os.path.getsize(path) > 0 and cmp(path, other, shallow=False)
    except OSError:
        return False


def _silent(found: Survey) -> Iterator[tuple[Folder, str]]:
    """The names that tell neither a value nor a time, and of which no log tells."""
    for one in found.unread:
        yield one.folder, one.name
    for place in found.read:
        roles = {metric.role for metric in place.table.metrics(0)}
        if not place.logs and not roles & {"epoch", "step", "metric"}:
            yield from ((place.folder, name) for name in place.table.names)
