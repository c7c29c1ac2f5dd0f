"""Smoothed values to rank by: of a noisy metric, one lucky epoch is not the best."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import median_high, median_low
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.history.logged import go_through, times_of
from ckptsel.history.neighbours import Neighbours
from ckptsel.history.points import moment_of, of_checkpoints, point_of, unit_of
from ckptsel.history.series import contested, courses, trainings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckptsel.checkpoint import Ranked
    from ckptsel.history.points import Unit
    from ckptsel.search.logs.families import Words
    from ckptsel.search.logs.read import LogRead


UNSMOOTHED = "no smoothed value: too few around it"
"""Why a checkpoint that has a value has no place."""


class _Smoothed(NamedTuple):
    """What one history of some checkpoints makes of them.

    Attributes:
        medians: a checkpoint's path → the median around it.
        known: at how many of their times it has a value.
        total: how many values the history has.
    """

    medians: Mapping[str, float]
    known: int
    total: int


def smooth(
    rows: Sequence[Ranked],
    others: Sequence[Ranked],
    name: str,
    logs: Iterable[LogRead],
    width: int,
    words: Mapping[str, Words],
) -> tuple[list[Ranked], list[Ranked], list[Finding]]:
    """Rank by smoothed values; those that are shown stay what they are.

    The median is of `width` values, the checkpoint's own in their middle; near both ends of a
    training of the first or the last `width` values. Values that are not finite have a place
    among them, and no part in the median: most of the `width` values must be finite, else there is
    none. They come from the run's log, if it knows as many of the checkpoints' times as these
    themselves; else from the checkpoints of the same course, one value a time.

    Args:
        rows: the checkpoints with a finite value.
        others: those without one.
        name: the monitor.
        logs: the logs that were joined.
        width: of how many values the median is, an odd number.
        words: what the checkpoints' names say of their models, by path.

    Returns:
        The checkpoints with their smoothed values; those that have none, with the reason; and what
        there is to say.
    """
    findings: list[Finding] = []
    values = _medians(rows, others, name, logs, width, words, findings)
    said = f"ranked by the median of {width} values of {name} around each; the values shown are not"
    findings.append(Finding("smoothed", f"{said} smoothed"))
    known: list[Ranked] = []
    without: list[Ranked] = []
    for row in rows:
        if (smoothed := values.get(row.checkpoint.path)) is not None:
            known.append(replace(row, smoothed=smoothed))
        else:
            without.append(replace(row, rank=None, reason=UNSMOOTHED))
    if without:
        path = without[0].checkpoint.path
        said = f"{len(without)} of {len(rows)} have no epoch or step to smooth around, or fewer"
        said += f" than {_least(width)} finite values there, and do not compete: {path!r}"
        findings.append(Finding("not-smoothed", said, path, strict=True))
    return known, without, findings


def _medians(
    rows: Sequence[Ranked],
    others: Sequence[Ranked],
    name: str,
    logs: Iterable[LogRead],
    width: int,
    words: Mapping[str, Words],
    findings: list[Finding],
) -> Mapping[str, float]:
    groups: dict[str, list[Ranked]] = {}
    for row in (*rows, *others):
        groups.setdefault(row.checkpoint.run, []).append(row)
    of_run: dict[str, list[LogRead]] = {}
    for read in logs:
        of_run.setdefault(read.run, []).append(read)
    usable = {row.checkpoint.path for row in rows}
    medians: dict[str, float] = {}
    for run, group in groups.items():
        unit = unit_of(row.checkpoint for row in group)
        parts = [c for training in trainings(group, words) for c in courses(training, words, unit)]
        said: list[Finding] = []
        for part in parts:
            inside = [row for row in part if row.checkpoint.path in usable]
            outside = [row for row in part if row.checkpoint.path not in usable]
            best = _by_checkpoints(inside, outside, unit, width)
            by_logs = [_by_log(inside, log, name, width, findings) for log in of_run.get(run, ())]
            logged = max(by_logs, key=lambda each: (each.known, each.total), default=None)
            if logged is not None and logged.known >= best.known:
                best = logged
            elif (doubtful := contested(inside, unit)) is not None:
                said.append(_contested(doubtful, name))
            if best.medians and best.total < width:
                said.append(_too_few(best.total, name, width, run))
            medians |= best.medians
        # One of each kind tells what is to be told.
        findings += said[:1]
    return medians


def _contested(row: Ranked, name: str) -> Finding:
    path = row.checkpoint.path
    said = f"another checkpoint of the same time has another {name}: they may be of two trainings,"
    said += " and which values are around which of them cannot be told"
    return Finding("not-smoothed", said, path, strict=True)


def _too_few(total: int, name: str, width: int, run: str) -> Finding:
    said = f"has {total} values of {name}, fewer than {width}, and their median is one for all: it"
    said += " is their own values that decide"
    return Finding("not-smoothed", said, run, strict=True)


def _by_checkpoints(
    group: Sequence[Ranked], others: Sequence[Ranked], unit: Unit, width: int
) -> _Smoothed:
    """By the values of the checkpoints themselves; others have a place among them only."""
    values = dict.fromkeys(of_checkpoints(others, unit), math.nan)
    own = {moment: point.value for moment, point in of_checkpoints(group, unit).items()}
    values |= own
    moments = sorted(values)
    course = [values[moment] for moment in moments]
    place = {moment: index for index, moment in enumerate(moments)}
    medians = {}
    for row in group:
        moment, point = moment_of(row.checkpoint, unit), point_of(row, unit)
        if moment is not None and point is not None:
            index = place[moment]
            until = [*course[max(0, index - width + 1) : index], point.value]
            middle = median_around(until, course[index + 1 : index + width], width)
            if middle is not None:
                medians[row.checkpoint.path] = middle
    return _Smoothed(medians, len(own), len(course))


def _by_log(
    group: Sequence[Ranked], read: LogRead, name: str, width: int, findings: list[Finding]
) -> _Smoothed:
    """By the values of a log around the rows of the checkpoints."""
    all_times = times_of(read)
    paths = (row.checkpoint.path for row in group)
    times = {path: all_times[path] for path in paths if path in all_times}
    if not times:
        return _Smoothed({}, 0, 0)
    found = go_through(read, name, lambda: Neighbours(times.values(), width - 1), findings)
    if found is None:
        return _Smoothed({}, 0, 0)
    medians = {}
    total = found.count
    for path, at in times.items():
        if (around := found.around(at)) is not None:
            # Rows of one time count once; so few are all that there are.
            reach = sum(map(len, around))
            total = reach if reach < width else total
            if (middle := median_around(*around, width)) is not None:
                medians[path] = middle
    return _Smoothed(medians, found.known, total)


def median_around(until: Sequence[float], after: Sequence[float], width: int) -> float | None:
    """The median around a value.

    Args:
        until: the values up to it, itself the last one.
        after: those that follow.
        width: of how many it is, an odd number.

    Returns:
        The median of the finite ones, finite itself; None if these are fewer than half of `width`.
    """
    half = width // 2
    start = max(0, min(len(until) - 1 - half, len(until) + len(after) - width))
    around = [*until, *after][start : start + width]
    finite = [value for value in around if math.isfinite(value)]
    if len(finite) < _least(width):
        return None
    low, high = median_low(finite), median_high(finite)
    # The sum of two huge numbers would be infinite.
    return low if low == high else low / 2 + high / 2


def _least(width: int) -> int:
    return width // 2 + 1
