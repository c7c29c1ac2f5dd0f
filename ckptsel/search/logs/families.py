"""Checkpoints of several models beside one log, which gives values to all of them."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.naming.vocabulary import COUNTERS, QUALIFIERS, SETTINGS, STOPWORDS, direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.search.places import TableIn
    from ckptsel.sources.joining.agreement import Names
    from ckptsel.sources.joining.join import Joined

_WORD = re.compile(r"([a-z]+)\d*")
_SUFFIXES = re.compile(r"(\.[A-Za-z]\w*)+$")
_WORDLESS = {*STOPWORDS, *COUNTERS, *SETTINGS, *QUALIFIERS}


class _Family(NamedTuple):
    """The names of one model that have rows: one of them, the first and the last row's count."""

    name: str
    first: int
    last: int
    is_confirmed: bool


def shared_log(
    places: Sequence[TableIn], named: Names, joined: Joined, path: str
) -> Iterator[Finding]:
    """Say that a log is taken for that of several models, if no values show that it is.

    Only if they were saved at the same time, which is that of the log: two callbacks of one
    training save such files, or two trainings into one folder. One after the other, they may be
    the parts of one training.

    Args:
        places: the tables of a run.
        named: all their names, as one.
        joined: the log's rows for these names.
        path: the log's.
    """
    # Names of one form differ in what they count, unless it has a field of text.
    if joined.key == "file" or (len(places) == 1 and not _has_text(places[0])):
        return
    families = sorted(_families(places, named, joined), key=lambda family: family.first)
    for one, other in pairwise(families):
        if other.first > one.last or (one.is_confirmed and other.is_confirmed):
            continue
        said = f"values of it are given to {one.name!r} and {other.name!r}, which are of different"
        said += " models by their names: it may be about one of them only, which --include tells"
        yield Finding("log-shared", said, path, strict=True)
        return


def _families(places: Sequence[TableIn], named: Names, joined: Joined) -> Iterator[_Family]:
    models: dict[frozenset[str], list[int]] = {}
    start = 0
    for place in places:
        end = start + len(place.table.names)
        alike = None if _has_text(place) else _model(place.table.names[0])
        for index in range(start, end):
            if joined.rows[index] is not None:
                words = _model(named.names[index]) if alike is None else alike
                models.setdefault(words, []).append(index)
        start = end
    key = "epoch" if joined.key == "epoch" else "step"
    for indices in models.values():
        counts = [getattr(joined.rows[index], key) for index in indices]
        values = (any(p.values[index] is not None for p in named.printed) for index in indices)
        is_confirmed = joined.is_confirmed and all(values)
        yield _Family(named.names[indices[0]], min(counts), max(counts), is_confirmed)


def _has_text(place: TableIn) -> bool:
    return any(metric.role == "text" for metric in place.table.metrics(0))


def _model(name: str) -> frozenset[str]:
    """The words of a name that are neither a metric nor a counter, nor said of any checkpoint."""
    stem = _SUFFIXES.sub("", os.path.basename(name)).lower()
    return frozenset(
        found[0]
        for found in _WORD.finditer(stem)
        if not {found[0], found[1]} & _WORDLESS and not any(map(direction, found.group(0, 1)))
    )
