"""Whether files were saved in the order of their epochs, and when their log was written."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ckptsel import storage
from ckptsel.checkpoint import Finding
from ckptsel.search.logs.ownership import GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.search.logs.ownership import FoundLog
    from ckptsel.search.places import TableIn
    from ckptsel.sources.joining.joined import Joined

# A training that was begun again goes back once. Of all orders of eight files one in 150 does, and
# of ten files one in 75 goes back twice: who copies in any order comes upon these by chance.
_FILES, _FILES_A_STEP_BACK = 8, 5
# Who copies several files at once often ends with two neighbours in turn.
_ON_EACH_SIDE = 2
# What is copied in one go has no pauses: a file takes no longer than over a slow network.
_COPIED_NS, _COPIED_NS_A_BYTE = 3 * 10**9, 100
# So much later the first of several files is there that are fetched at once with their log.
_FETCHED_NS = 600 * 10**9
_HOUR_NS = 3600 * 10**9
# Of so many files of a table the times are asked for: each takes as long as all else of its name.
_MOST_FILES = 64


class _Saved(NamedTuple):
    """When a file was written, what the log counts of it, its name and its size."""

    mtime_ns: int
    at: int
    name: str
    size_bytes: int

    @property
    def copied_ns(self) -> int:
        """How long it may take to copy it."""
        return _COPIED_NS + _COPIED_NS_A_BYTE * self.size_bytes


def out_of_order(places: Sequence[TableIn], joined: Joined, log: FoundLog) -> Iterator[Finding]:
    """Say that a later epoch's file is the older one, or the log older than all of its files.

    The one is so where a training was begun again in the same folder and wrote its log anew, but
    not all of the files; the other where it wrote the files anew, and its log elsewhere. Values
    in the names would show it, and nothing is asked then.

    Args:
        places: the tables of a run.
        joined: the log's rows for their names.
        log: the log.
    """
    if joined.key == "file" or joined.is_confirmed:
        return
    start = 0
    tables = []
    for place in places:
        tables.append(sorted(_saved(place, joined, start)))
        start += len(place.table.names)
    for saved in tables:
        if found := _began_again(saved):
            older, newer = found
            said = f"{older.name!r} was saved before {newer.name!r}: they may be of two trainings,"
            said += " and the log of the last one only"
            yield Finding("log-out-of-order", said, log.path, strict=True)
            return
    if log.place != GIVEN and not any(_backwards(saved) for saved in tables):
        yield from _older(sorted(one for saved in tables for one in saved), log)


def _backwards(saved: Sequence[_Saved]) -> list[int]:
    """Before which of the files, in the order of time, one of a later epoch was written."""
    return [n for n, (one, other) in enumerate(pairwise(saved), 1) if other.at < one.at]


def _began_again(saved: Sequence[_Saved]) -> tuple[_Saved, _Saved] | None:
    """The last file of a training and the first one of the next, which began again; None if none.

    Of few files many orders go back once: then there has to be a pause as well.
    """
    back = _backwards(saved)
    if not back or saved[-1].mtime_ns - saved[0].mtime_ns <= _COPIED_NS:
        return None  # no two trainings are over so soon
    by_name = sum(other.name < one.name for one, other in pairwise(saved)) < len(back)
    if by_name and not _is_pause(saved, back[-1]):
        return None  # a copy by name, where epochs have not as many digits each
    is_order_enough = len(saved) >= max(_FILES, _FILES_A_STEP_BACK * len(back))
    if not is_order_enough and len(back) > 1:
        return None
    older, newer = saved[: back[-1]], saved[back[-1] :]
    earliest, latest = min(one.at for one in newer), max(one.at for one in older)
    late = sum(one.at > earliest for one in older)
    early = sum(one.at < latest for one in newer)
    if min(late, early) < _ON_EACH_SIDE or not (is_order_enough or _is_pause(saved, back[-1])):
        return None
    return older[-1], newer[0]


def _is_pause(saved: Sequence[_Saved], n: int) -> bool:
    """Whether there was a pause before a file, longer than a copy makes and twice any other."""
    waits = [other.mtime_ns - one.mtime_ns for one, other in pairwise(saved)]
    wait = waits.pop(n - 1)
    return wait > max(saved[n].copied_ns, 2 * max(waits, default=0))


def _older(saved: Sequence[_Saved], log: FoundLog) -> Iterator[Finding]:
    """Say that the log was last written long before the first of its files.

    What is copied without its time is a little later than what was copied before it. If all
    files were written so quickly as they can be copied, or converted, their times tell nothing.
    """
    if not saved:
        return
    first, *others = saved
    span = saved[-1].mtime_ns - first.mtime_ns
    if span <= sum(one.copied_ns for one in others):
        return
    try:
        written = max(storage.stat(path).mtime_ns for path in log.paths or (log.path,))
    except OSError:
        return  # it is gone, which is said where it is read
    before = first.mtime_ns - written
    if before > max(span, _FETCHED_NS):
        said = f"was last written {before / _HOUR_NS:.1f} hours before the first of its files,"
        said += f" {first.name!r}: they may be of another training, which has written them anew"
        yield Finding("log-older", said, log.path, strict=True)


def _saved(place: TableIn, joined: Joined, start: int) -> Iterator[_Saved]:
    """Those of a table that have rows, or some of many; the first one's row is at `start`."""
    names = place.table.names
    for index in range(start, start + len(names), -(-len(names) // _MOST_FILES)):
        name = names[index - start]
        row = joined.rows[index]
        at = None if row is None else row.epoch if joined.key == "epoch" else row.step
        if at is None:
            continue
        try:
            found = [storage.stat(file) for file in place.folder.files_of(name)]
        except OSError:
            continue  # it is gone, which is said where it is looked at
        yield _Saved(found[0].mtime_ns, at, name, sum(one.size_bytes for one in found))
