"""Several trainings in one log: which of its rows are of the one that the checkpoints are of.

A log that was appended to holds them one after the other: where rows count lower than those
before, another part of the log begins. A part that gave a checkpoint its row counts. One that has
a checkpoint's epoch, and gave it nothing, does not: it is of another training. One that has none
of them goes on with the part before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckptsel.history.points import Unit
    from ckptsel.sources.joining.joined import Joined
    from ckptsel.sources.log import LogRow


class Parts:
    """Tells the parts of a log apart, while its rows are gone through from the first one on."""

    __slots__ = (
        "_before", "_by_file", "_count", "_given", "_is_epoch", "_is_in", "_is_other", "_is_ours",
        "_left_out", "_start",
    )  # fmt: skip

    def __init__(self, joined: Joined, unit: Unit) -> None:
        self._by_file = joined.key == "file"
        self._is_epoch = unit == "epoch"
        self._given: dict[object, list[LogRow]] = {}
        for row in joined.rows:
            if row is not None:
                self._given.setdefault(self._key(row), []).append(row)
        self._left_out: list[list[int]] = []
        self._before: int | None = None
        self._count = self._start = 0
        self._is_ours = self._is_other = False
        self._is_in = True

    def are_one(self) -> bool:
        """Whether all rows count; asked when all have been seen."""
        self._end()
        return not self._left_out

    def see(self, row: LogRow) -> bool:
        """Look at the next row.

        Returns:
            Whether it may count. At the time of a checkpoint, only the checkpoint's own row does.
        """
        at = row.epoch if self._is_epoch else row.step
        if at is not None:
            if self._before is not None and at < self._before:
                self._end()
            self._before = at
        self._count += 1
        given = self._given.get(row.file if self._by_file else at)
        if given is None:
            return True
        is_ours = row in given
        if is_ours:
            self._is_ours = True
        else:
            self._is_other = True
        return is_ours

    def chosen(self, rows: Iterable[LogRow]) -> Iterator[LogRow]:
        """The rows that count, when all have been seen and are gone through once more."""
        left_out = iter(self._left_out)
        start, end = next(left_out, (-1, -1))
        for place, row in enumerate(rows):
            if place == end:
                start, end = next(left_out, (-1, -1))
            if not start <= place < end and row in self._given.get(self._key(row), (row,)):
                yield row

    def _key(self, row: LogRow) -> object:
        if self._by_file:
            return row.file
        return row.epoch if self._is_epoch else row.step

    def _end(self) -> None:
        """A part ends. Whether parts count changes as often as checkpoints have rows, at most."""
        if self._is_ours or self._is_other:
            self._is_in = self._is_ours
        if not self._is_in and self._start < self._count:
            if self._left_out and self._left_out[-1][1] == self._start:
                self._left_out[-1][1] = self._count
            else:
                self._left_out.append([self._start, self._count])
        self._start = self._count
        self._is_ours = self._is_other = False
