"""How a metric went over a whole log, however long it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ckptsel.history.logged import Value, go_through

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.checkpoint import Finding
    from ckptsel.history.points import Point
    from ckptsel.search.logs.read import LogRead

# So many values are kept; of more, every second, fourth, … one.
MOST = 10_000


class Course:
    """A metric's values from first to last, and the most notable ones.

    Attributes:
        count: how many values there are, those of one time as one; of more than are kept, those of
            a time that was not kept as several.
        known: at which of the times that were asked for there is a value.
        lowest: the lowest finite value.
        highest: the highest finite value.
        broken: the first one that is not finite.
        last: the one of the latest time.
    """

    __slots__ = (
        "_kept", "_read", "_stride", "_times", "broken", "count", "highest", "known", "last",
        "lowest",
    )  # fmt: skip

    def __init__(self, read: LogRead, times: Iterable[int] = ()) -> None:
        """Take the log, and the times of the checkpoints in it."""
        self._read = read
        self._times = frozenset(times)
        self._kept: dict[int, Point] = {}
        self._stride = 1
        self.count = 0
        self.known: set[int] = set()
        self.lowest: Value | None = None
        self.highest: Value | None = None
        self.broken: Value | None = None
        self.last: Value | None = None

    def add(self, value: Value) -> None:
        """Take one. Of several of one time the last one counts."""
        number = value.value
        if not math.isfinite(number):
            if self.broken is None:
                self.broken = value
        elif self.lowest is None or self.highest is None:
            self.lowest = self.highest = value
        elif number < self.lowest.value:
            self.lowest = value
        elif number > self.highest.value:
            self.highest = value
        if self.last is None or value.at >= self.last.at:
            self.last = value
        if value.at in self._times:
            self.known.add(value.at)
        if value.at in self._kept:
            self._kept[value.at] = value.point(self._read)
            return
        if self.count % self._stride == 0:
            self._kept[value.at] = value.point(self._read)
            if len(self._kept) > MOST:
                self._kept = dict([*self._kept.items()][::2])
                self._stride *= 2
        self.count += 1

    def points(self) -> list[Point]:
        """The values in the order of the training; of many, as many as are kept."""
        kept = dict(self._kept)
        for value in (self.lowest, self.highest, self.broken):
            if value is not None:
                kept.setdefault(value.at, value.point(self._read))
        if self.last is not None:
            kept[self.last.at] = self.last.point(self._read)
        return [kept[at] for at in sorted(kept)]


def course_of(
    read: LogRead, metric: str, findings: list[Finding], times: Iterable[int] = ()
) -> Course | None:
    """How a metric went in a log; None, and a finding, if that cannot be read any more."""
    return go_through(read, metric, lambda: Course(read, times), findings)
