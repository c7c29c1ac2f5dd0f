"""Values of several files in the order of time, one training after the other.

What two trainings say of one epoch is never put together, though they ran at the same time, or one
after the other in one folder.
"""

from __future__ import annotations

from heapq import merge
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ckptsel.sources.reading.moments import moments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.reading.moments import Moment, Part

Training: TypeAlias = tuple[int, int]
"""Which of the trainings, by their first times, and which of its starts: both counted from 0."""


class Written(NamedTuple):
    """What stands in one file.

    Attributes:
        training: files with the same one may be about the same epochs.
        folder: where it lies.
        parts: its values with their times, in the file's order.
    """

    training: str
    folder: str
    parts: Iterator[tuple[float, Part]]


def moments_by_training(
    files: Iterable[Written], run: str, findings: list[Finding]
) -> Iterator[tuple[Training, Moment]]:
    """The moments of all files, each with the training that it is of; trainings follow each other.

    A file that begins when an earlier one in its folder has ended, and does not count on, is of
    another start. One that counts on is not: Lightning's `fit` and `test` write a file each.

    Args:
        files: all of them.
        run: the folder of the run that they are of.
        findings: takes what is wrong.
    """
    begun: dict[str, list[tuple[float, Written]]] = {}
    for file in files:
        for first in file.parts:
            whole = file._replace(parts=chain((first,), file.parts))
            begun.setdefault(file.training, []).append((first[0], whole))
            break
    by_time = sorted(begun.values(), key=lambda group: min(when for when, _ in group))
    for number, group in enumerate(by_time):
        parts = _in_starts([file for _, file in group])
        for start, some in groupby(parts, key=itemgetter(0)):
            for moment in moments((part for _, part in some), run, findings):
                yield (number, start), moment


def _in_starts(files: Sequence[Written]) -> Iterator[tuple[int, Part]]:
    """The parts of files in the order of time, each with the number of its start."""
    if len({file.folder for file in files}) == len(files):
        for _, part in merge(*(file.parts for file in files), key=itemgetter(0)):
            yield 0, part
        return
    ended: list[int] = []

    def told(index: int, parts: Iterator[tuple[float, Part]]) -> Iterator[tuple[float, int, Part]]:
        for when, part in parts:
            yield when, index, part
        ended.append(index)

    streams = (told(index, file.parts) for index, file in enumerate(files))
    counts = _Counts()
    for _, index, part in merge(*streams, key=itemgetter(0)):
        while ended:
            counts.end(ended.pop(), files)
        yield counts.start_of(index, files[index].folder, part), part


class _Counts:
    """What the files of the present start count, by folder: epochs (True) or steps (False).

    Attributes:
        start: the number of the present start.
        known: files, with what they count, of which the first one was met.
        open: the highest one of a file that began in this start.
        past: the highest one of a folder's files that have ended.
    """

    __slots__ = ("known", "open", "past", "start")

    def __init__(self) -> None:
        self.start = 0
        self.known: set[tuple[int, bool]] = set()
        self.open: dict[tuple[int, bool], int] = {}
        self.past: dict[tuple[str, bool], int] = {}

    def start_of(self, index: int, folder: str, part: Part) -> int:
        """The number of the start that a part is of."""
        by_epoch = part.epoch is not None
        at = part.epoch if by_epoch else part.step
        key = index, by_epoch
        if at is None:
            return self.start
        if key not in self.known:
            self.known.add(key)
            # Also the same one again: what stands there was logged already.
            if at <= self.past.get((folder, by_epoch), at - 1):
                self.start += 1
                self.open.clear()
                self.past.clear()
            self.open[key] = at
        elif at > self.open.get(key, at):
            self.open[key] = at
        return self.start

    def end(self, index: int, files: Sequence[Written]) -> None:
        """Keep in mind what a file has counted that has ended."""
        for by_epoch in (False, True):
            if (highest := self.open.pop((index, by_epoch), None)) is not None:
                key = files[index].folder, by_epoch
                self.past[key] = max(highest, self.past.get(key, highest))
