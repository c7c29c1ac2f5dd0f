"""The values around some times of a training, of a log however long, in whatever order."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.history.logged import Value


class _Nearest:
    """Of the values between two times, those nearest to one of the two.

    Attributes:
        times: when they are of, the earliest first.
        values: the values.
    """

    __slots__ = ("_is_early", "_most", "times", "values")

    def __init__(self, most: int, *, is_early: bool) -> None:
        self._most, self._is_early = most, is_early
        self.times: list[int] = []
        self.values: list[float] = []

    def add(self, at: int, value: float) -> None:
        place = bisect_left(self.times, at)
        if place < len(self.times) and self.times[place] == at:
            self.values[place] = value
            return
        if len(self.times) == self._most:
            dropped = self._most - 1 if self._is_early else 0
            if place == (self._most if self._is_early else 0):
                return
            del self.times[dropped], self.values[dropped]
            place -= 0 if self._is_early else 1
        self.times.insert(place, at)
        self.values.insert(place, value)


class Neighbours:
    """The values at some times, and those before and after each.

    Attributes:
        count: how many values there are.
    """

    __slots__ = ("_at", "_before", "_behind", "_most", "_times", "count")

    def __init__(self, times: Iterable[int], most: int) -> None:
        """Take times.

        Args:
            times: around which values are wanted.
            most: how many before, and how many after each.
        """
        self._times = sorted(set(times))
        self._most = most
        self._at: dict[int, float] = {}
        # Between two of the times: the values that follow the one, and those that precede the
        # other, by the index of the latter.
        self._behind: dict[int, _Nearest] = {}
        self._before: dict[int, _Nearest] = {}
        self.count = 0

    def add(self, value: Value) -> None:
        """Take one. Of several of one time the last one counts."""
        at, number = value.at, value.value
        self.count += 1
        place = bisect_left(self._times, at)
        if place < len(self._times) and self._times[place] == at:
            self._at[at] = number
            return
        if place not in self._before:
            self._before[place] = _Nearest(self._most, is_early=False)
            self._behind[place] = _Nearest(self._most, is_early=True)
        self._before[place].add(at, number)
        self._behind[place].add(at, number)

    @property
    def known(self) -> int:
        """How many of the times have a value."""
        return len(self._at)

    def around(self, time: int) -> tuple[list[float], list[float]] | None:
        """The values until a time, that time's the last; and those after it. None without one."""
        if time not in self._at:
            return None
        place = bisect_left(self._times, time)
        until, after = [self._at[time]], list[float]()
        for gap in range(place, -1, -1):
            if gap in self._before:
                until += reversed(self._before[gap].values)
            if len(until) > self._most:
                break
            if gap and self._times[gap - 1] in self._at:
                until.append(self._at[self._times[gap - 1]])
        for gap in range(place + 1, len(self._times) + 1):
            if gap in self._behind:
                after += self._behind[gap].values
            if len(after) >= self._most:
                break
            if gap < len(self._times) and self._times[gap] in self._at:
                after.append(self._at[self._times[gap]])
        return until[: self._most + 1][::-1], after[: self._most]
