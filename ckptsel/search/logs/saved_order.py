"""Whether files were saved in the order of their epochs, as one training saves them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ckptsel import storage
from ckptsel.checkpoint import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.search.places import TableIn
    from ckptsel.sources.joining.join import Joined

# A training that was begun again goes back once. Copying in any order goes back about at every
# second file.
_FILES_A_STEP_BACK = 4


class _Saved(NamedTuple):
    """When a file was written, what the log counts of it, and its name."""

    mtime_ns: int
    at: int
    name: str


def out_of_order(places: Sequence[TableIn], joined: Joined, path: str) -> Iterator[Finding]:
    """Say that a later epoch's file is the older one: the log may only be about a part of them.

    So it is where a training was begun again in the same folder and wrote its log anew, but not
    all of the files. Values in the names would show it, and nothing is asked then.

    Args:
        places: the tables of a run.
        joined: the log's rows for their names.
        path: the log's.
    """
    if joined.key == "file" or joined.is_confirmed:
        return
    start = 0
    for place in places:
        end = start + len(place.table.names)
        saved = sorted(_saved(place, joined, start))
        start = end
        if [one.name for one in saved] == sorted(one.name for one in saved):
            continue  # also as a copy by name is made, where epochs have not as many digits each
        back = [(one, other) for one, other in pairwise(saved) if other.at < one.at]
        if 0 < len(back) <= max(1, len(saved) // _FILES_A_STEP_BACK):
            older, newer = back[-1]
            said = f"{older.name!r} was saved before {newer.name!r}: they may be of two trainings,"
            said += " and the log of the last one only"
            yield Finding("log-out-of-order", said, path, strict=True)
            return


def _saved(place: TableIn, joined: Joined, start: int) -> Iterator[_Saved]:
    """Those of a table that have rows; the first one's row is at `start`."""
    for index, name in enumerate(place.table.names, start):
        row = joined.rows[index]
        at = None if row is None else row.epoch if joined.key == "epoch" else row.step
        if at is None:
            continue
        try:
            when = storage.stat(place.folder.files_of(name)[0]).mtime_ns
        except OSError:
            continue  # it is gone, which is said where it is looked at
        yield _Saved(when, at, name)
