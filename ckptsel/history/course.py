"""How a metric went over a whole log, however long it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ckptsel.history.logged import Value, go_through

if TYPE_CHECKING:
    from ckptsel.checkpoint import Finding, Mode
    from ckptsel.history.points import Point
    from ckptsel.search.logs.read import LogRead

# So many values are kept; of more, every second, fourth, … one.
MOST = 10_000


class Range:
    """The lowest and the highest of some finite values."""

    __slots__ = ("_highest", "_lowest")

    def __init__(self) -> None:
        self._lowest: Value | None = None
        self._highest: Value | None = None

    def add(self, value: Value) -> None:
        """Take one."""
        if self._lowest is None or self._highest is None:
            self._lowest = self._highest = value
        elif value.value < self._lowest.value:
            self._lowest = value
        elif value.value > self._highest.value:
            self._highest = value

    def best(self, mode: Mode) -> Value | None:
        """The better end; None of no values."""
        return self._lowest if mode == "min" else self._highest

    def ends(self) -> tuple[Value, ...]:
        """Both ends, if there are any."""
        return tuple(value for value in (self._lowest, self._highest) if value is not None)


class Course:
    """A metric's values from first to last, and the most notable ones.

    Attributes:
        count: how many values there are, those of one time as one; of more than are kept, those of
            a time that was not kept as several.
        whole: the range of all finite values.
        later: of those that came after the last checkpoint.
        broken: the first one that is not finite.
        last: the one of the latest time.
    """

    __slots__ = (
        "_end", "_kept", "_read", "_stride", "broken", "count", "last", "later", "whole",
    )  # fmt: skip

    def __init__(self, read: LogRead, end: float = math.inf) -> None:
        """Take the log, and the time of the last checkpoint as it counts."""
        self._read = read
        self._end = end
        self._kept: dict[int, Point] = {}
        self._stride = 1
        self.count = 0
        self.whole, self.later = Range(), Range()
        self.broken: Value | None = None
        self.last: Value | None = None

    def add(self, value: Value) -> None:
        """Take one. Of several of one time the last one counts."""
        if math.isfinite(value.value):
            self.whole.add(value)
            if value.at > self._end:
                self.later.add(value)
        elif self.broken is None:
            self.broken = value
        if self.last is None or value.at >= self.last.at:
            self.last = value
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
        broken = () if self.broken is None else (self.broken,)
        for value in (*self.whole.ends(), *broken):
            kept.setdefault(value.at, value.point(self._read))
        if self.last is not None:
            kept[self.last.at] = self.last.point(self._read)
        return [kept[at] for at in sorted(kept)]


def course_of(
    read: LogRead, metric: str, findings: list[Finding], end: float = math.inf
) -> Course | None:
    """How a metric went in a log; None, and a finding, if that cannot be read any more.

    Args:
        read: the log.
        metric: the metric.
        findings: takes that the log cannot be read any more.
        end: the time of the last checkpoint, as the log counts.
    """
    return go_through(read, metric, lambda: Course(read, end), findings)
