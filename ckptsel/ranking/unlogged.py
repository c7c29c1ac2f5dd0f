"""Checkpoints of a time or a run of which the logs should tell, and do not."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.ranking.columns import Column
    from ckptsel.search.places import TableIn
    from ckptsel.search.survey import Survey

# A log that lacks one row in three within its span has a row only where there was a validation.
_ROWS_A_HOLE = 2


def unlogged(found: Survey, columns: Sequence[Column]) -> Iterator[str]:
    """What is to be said of checkpoints that have no value, and may be the best.

    Not of what was never measured: a step between two rows, an epoch without a validation.
    """
    outside = inside = 0
    for column in columns:
        before_or_after, holes = _without_rows(column)
        outside += before_or_after
        inside += holes
    if outside:
        yield f"{outside} of these are of a time before or after that of the log"
    if inside:
        yield f"{inside} of these are of an epoch that the log leaves out"
    # What names files for this very purpose should name all of them.
    for read in found.reads:
        if read.is_given and read.joined.key == "file" and None in read.joined.rows:
            yield f"{read.log.path} does not name all files"
    runs = {column.place.run for column in columns if column.from_logs}
    known = {column.place.run for column in columns}
    others = [place for place in found.read if runs and place.run not in known and _counts(place)]
    if others:
        total = sum(len(place.table.names) for place in others)
        yield f"{total} of these are of runs without any, as {others[0].run or '.'}"


def _without_rows(column: Column) -> tuple[int, int]:
    """How many have no row: of a time outside of the logs', and within."""
    logs = [log for log in column.place.logs if column.field in log.labels.values()]
    spans = [log.span for log in logs if log.span is not None]
    if not column.from_logs or column.place.in_names(column.field) or not spans:
        return 0, 0
    key = next(log.key for log in logs if log.span is not None)
    start, end = (
        float(min(first for first, _ in spans)),
        float(max(last for _, last in spans)),
    )
    # One that has a row has no number there, whenever that was.
    told = {row for log in column.place.logs for row, of_log in enumerate(log.rows) if of_log}
    times = _times(column.place, key)
    missing = [when for row, when in enumerate(times) if row not in told and math.isfinite(when)]
    if key == "step":
        # What was saved before the first validation, or after the last, was not measured.
        logged = sorted({times[row] for row in column.from_logs if row < len(times)})
        pace = min((after - before for before, after in pairwise(logged)), default=0.0)
        start, end = start - pace + 1, end + pace - 1
    within = sum(start <= when <= end for when in missing)
    has_all = key == "epoch" and within * _ROWS_A_HOLE <= len(told)
    return len(missing) - within, within if has_all else 0


def _times(place: TableIn, key: str) -> list[float]:
    name = next((metric.name for metric in place.table.metrics(0) if metric.role == key), "")
    return place.table.numbers(name) if name else []


def _counts(place: TableIn) -> bool:
    roles = {metric.role for metric in place.table.metrics(0)}
    return bool(roles & {"epoch", "step"}) and "metric" not in roles
