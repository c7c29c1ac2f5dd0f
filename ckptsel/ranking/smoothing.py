"""Smoothed values to rank by: of a noisy metric, one lucky epoch is not the best."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.history.logged import go_through, time_unit
from ckptsel.history.neighbours import Neighbours
from ckptsel.history.points import of_checkpoints, time_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckptsel.checkpoint import Ranked
    from ckptsel.search.logs.read import LogRead


UNSMOOTHED = "no smoothed value: too few around it"
"""Why a checkpoint that has a value has no place."""


class _Smoothed(NamedTuple):
    """What one history of a run makes of its checkpoints.

    Attributes:
        medians: a checkpoint's path → the median around it.
        known: how many of the checkpoints have a value in it.
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
) -> tuple[list[Ranked], list[Ranked], list[Finding]]:
    """Rank by smoothed values; those that are shown stay what they are.

    The median is of `width` values, the checkpoint's own in their middle; near both ends of a
    training of the first or the last `width` values. Values that are not finite have a place
    among them, and no part in the median: most of the `width` values must be finite, else there is
    none. They come from the run's log, if it knows as many of the checkpoints as these themselves,
    and has more values.

    Args:
        rows: the checkpoints with a finite value.
        others: those without one.
        name: the monitor.
        logs: the logs that were joined.
        width: of how many values the median is, an odd number.

    Returns:
        The checkpoints with their smoothed values; those that have none, with the reason; and what
        there is to say.
    """
    findings: list[Finding] = []
    values = _medians(rows, others, name, logs, width, findings)
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
    findings: list[Finding],
) -> Mapping[str, float]:
    groups: dict[str, list[Ranked]] = {}
    for row in rows:
        groups.setdefault(row.checkpoint.run, []).append(row)
    beside: dict[str, list[Ranked]] = {}
    for row in others:
        beside.setdefault(row.checkpoint.run, []).append(row)
    of_run: dict[str, list[LogRead]] = {}
    for read in logs:
        of_run.setdefault(read.run, []).append(read)
    medians: dict[str, float] = {}
    for run, group in groups.items():
        found = [_by_checkpoints(group, beside.get(run, ()), width)]
        found += [_by_log(group, read, name, width, findings) for read in of_run.get(run, ())]
        best = max(found, key=lambda each: (each.known, each.total))
        if len(best.medians) > 1 and best.total < width:
            said = f"has {best.total} values of {name}, and their median is one for all: it is"
            said += " their own values that decide"
            findings.append(Finding("not-smoothed", said, run, strict=True))
        medians |= best.medians
    return medians


def _by_checkpoints(group: Sequence[Ranked], others: Sequence[Ranked], width: int) -> _Smoothed:
    """By the values of the checkpoints themselves; others have a place among them only."""
    unit = unit_of(row.checkpoint for row in group)
    points = of_checkpoints(((row.checkpoint, row.metric) for row in (*group, *others)), unit)
    points = [point for point in points if point.at is not None]
    unusable = {time_of(row.checkpoint, unit) for row in others}
    unusable -= {time_of(row.checkpoint, unit) for row in group}
    values = [math.nan if point.at in unusable else point.value for point in points]
    place = {point.at: index for index, point in enumerate(points)}
    medians = {}
    known = 0
    for row in group:
        index = place.get(time_of(row.checkpoint, unit))
        if index is not None:
            known += 1
            middle = median_around(values[: index + 1], values[index + 1 :], width)
            if middle is not None:
                medians[row.checkpoint.path] = middle
    return _Smoothed(medians, known, len(points))


def _by_log(
    group: Sequence[Ranked], read: LogRead, name: str, width: int, findings: list[Finding]
) -> _Smoothed:
    """By the values of a log around the rows of the checkpoints."""
    rows, is_epoch = read.by_path(), time_unit(read) == "epoch"
    times = {}
    for one in group:
        row = rows.get(one.checkpoint.path)
        at = None if row is None else row.epoch if is_epoch else row.step
        if at is not None:
            times[one.checkpoint.path] = at
    if not times:
        return _Smoothed({}, 0, 0)
    found = go_through(read, name, lambda: Neighbours(times.values(), width - 1), findings)
    if found is None:
        return _Smoothed({}, 0, 0)
    medians = {}
    known = 0
    for path, at in times.items():
        if (around := found.around(at)) is not None:
            known += 1
            middle = median_around(*around, width)
            if middle is not None:
                medians[path] = middle
    return _Smoothed(medians, known, found.count)


def median_around(until: Sequence[float], after: Sequence[float], width: int) -> float | None:
    """The median around a value.

    Args:
        until: the values up to it, itself the last one.
        after: those that follow.
        width: of how many it is, an odd number.

    Returns:
        The median of the finite ones; None if these are fewer than half of `width`.
    """
    half = width // 2
    start = max(0, min(len(until) - 1 - half, len(until) + len(after) - width))
    around = [*until, *after][start : start + width]
    finite = [value for value in around if math.isfinite(value)]
    return median(finite) if len(finite) >= _least(width) else None


def _least(width: int) -> int:
    return width // 2 + 1
