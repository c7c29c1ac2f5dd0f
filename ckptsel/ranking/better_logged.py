"""A log that has a better value than any checkpoint, and a `best.keras` that may be of it."""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.history.logged import go_through
from ckptsel.search.grouping import run_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.checkpoint import Monitor
    from ckptsel.history.logged import Value
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


def better_logged(found: Survey, monitor: Monitor, best: float) -> Iterator[Finding]:
    """Say that a checkpoint called `best`, of which nothing else is known, may be the best.

    Keras's `save_best_only` keeps one such file, beside those of every tenth epoch.

    Args:
        found: what was found, with the logs that were joined.
        monitor: what was ranked by.
        best: the best value that a checkpoint is known to have.
    """
    called: dict[str, str] = {}
    for folder, name in _silent(found):
        if _BEST.search(os.path.basename(name)):
            called.setdefault(run_of(folder.path, folder.root), folder.join(name))
    sign = 1 if monitor.mode == "min" else -1
    for read in found.reads:
        path = called.get(read.run)
        if path is None:
            continue
        logged = go_through(read, monitor.name, lambda: _Best(sign), found.findings)
        if logged is not None and logged.value is not None and logged.cost < sign * best:
            point = logged.value.point(read)
            said = f"has no value, and its log has a better one than any: {point.value:g} in"
            said += f" {point.source}; `ckptsel which` may tell whether that is this file's"
            yield Finding("missing-value", said, path, strict=True)


def _silent(found: Survey) -> Iterator[tuple[Folder, str]]:
    """The names that tell neither a value nor a time, and of which no log tells."""
    for one in found.unread:
        yield one.folder, one.name
    for place in found.read:
        roles = {metric.role for metric in place.table.metrics(0)}
        if not place.logs and not roles & {"epoch", "step", "metric"}:
            yield from ((place.folder, name) for name in place.table.names)
