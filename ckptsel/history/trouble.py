"""What is wrong with a run, by its checkpoints and by its log."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.history.points import time_of
from ckptsel.naming.decimals import in_short, printed_unit
from ckptsel.naming.read import as_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckptsel.checkpoint import Checkpoint, Metric, Monitor, Ranked
    from ckptsel.history.course import Course
    from ckptsel.history.points import Point, Unit
    from ckptsel.search.logs.read import LogRead

# Values of a log and of a checkpoint are one and the same if they differ by no more than this
# share, which a float32 loses.
_SAME = 1e-6
_NAMED = 2


class Told(NamedTuple):
    """What a log tells of a run.

    Attributes:
        read: the log.
        course: how the monitor went in it.
        unit: what its rows count.
    """

    read: LogRead
    course: Course
    unit: Unit


def not_finite(monitor: Monitor, broken: Point | None, unit: Unit) -> Iterator[Finding]:
    """A value that is NaN or infinite."""
    if broken is not None:
        said = f"{monitor.name} is {broken.value} {_when(broken, unit)}"
        yield Finding("run-not-finite", said, strict=True)


def without_value(monitor: Monitor, usable: Sequence[Ranked]) -> Iterator[Finding]:
    """No checkpoint that has a value."""
    if not usable:
        said = f"no checkpoint has a value of {monitor.name}"
        yield Finding("run-without-value", said, strict=True)


def several_trainings(row: Ranked) -> Finding:
    """Checkpoints of one time that may be of several trainings; the row is of the one shown."""
    said = "has checkpoints of one time that may be of several trainings: its values are those of"
    said += f" {row.checkpoint.path!r} and its like"
    return Finding("run-several-trainings", said, strict=True)


def best_lost(
    monitor: Monitor,
    rows: Sequence[Ranked],
    usable: Sequence[Ranked],
    told: Told,
    *,
    is_whole: bool,
) -> Iterator[Finding]:
    """A logged value that is better than that of any checkpoint.

    Args:
        monitor: what is best.
        rows: the checkpoints of the run.
        usable: those that have a value.
        told: what the log tells.
        is_whole: whether the run has no other checkpoints.
    """
    found = told.course.whole.best(monitor.mode)
    metrics = [row.metric for row in usable if row.metric is not None]
    if found is None or not metrics:
        return
    point = found.point(told.read)
    # By smoothed values, or by several monitors, another one may be the best of the run.
    if not is_better(point.value, _best_of(metrics, monitor), monitor):
        return
    said = f"{monitor.name} was {point.value:.6g} {_when(point, told.unit)}, better than what was"
    said += " saved" if is_whole else " looked at"
    unknown = [row.checkpoint for row in rows if row.metric is None]
    said += _may_be(unknown, told.unit, point.at)
    yield Finding("run-best-not-saved", said, strict=True)


def saving_stopped(
    monitor: Monitor, rows: Sequence[Ranked], told: Told, *, is_whole: bool
) -> Iterator[Finding]:
    """Better values after the last checkpoint. With `save_best_only`, none follow.

    Args:
        monitor: what is better.
        rows: the checkpoints of the run.
        told: what the log tells.
        is_whole: whether the run has no other checkpoints.
    """
    times = times_of_checkpoints(rows, told.unit)
    better = told.course.later.best(monitor.mode)
    if not is_whole or better is None or told.course.last is None or not times:
        return
    last = [row for row in rows if time_of(row.checkpoint, told.unit) == times[-1]]
    metrics = [row.metric for row in last if row.metric is not None]
    if metrics and not is_better(better.value, _best_of(metrics, monitor), monitor):
        return
    end = told.course.last.at + told.read.joined.offset
    # Of a run that saves every ten epochs, the last nine may be without a checkpoint.
    if end - times[-1] > max((b - a for a, b in pairwise(times)), default=1):
        said = f"the log goes on to {told.unit} {in_short(end)}, the last checkpoint is of"
        said += f" {told.unit} {in_short(times[-1])}"
        said += _may_be([row.checkpoint for row in rows], told.unit, None)
        yield Finding("run-saving-stopped", said, strict=True)


def times_of_checkpoints(rows: Iterable[Ranked], unit: Unit) -> list[float]:
    """When the checkpoints of a run are of, those that tell; the earliest first."""
    times = (time_of(row.checkpoint, unit) for row in rows)
    return sorted(at for at in times if at is not None)


def _best_of(metrics: Iterable[Metric], monitor: Monitor) -> Metric:
    sign = 1 if monitor.mode == "min" else -1
    return min(metrics, key=lambda metric: sign * _comparable(metric, sign))


def _comparable(metric: Metric, sign: int) -> float:
    value = as_number(metric.value)
    return value if math.isfinite(value) else sign * math.inf


def is_better(logged: float, metric: Metric, monitor: Monitor) -> bool:
    """Whether a logged value is better than a checkpoint's, and not that very value."""
    sign = 1 if monitor.mode == "min" else -1
    value = _comparable(metric, sign)
    slack = _SAME * max(abs(value), abs(logged)) if math.isfinite(value) else 0.0
    if metric.source == "name":
        # It is printed with few digits, and the log's may be that very value.
        slack += printed_unit(metric.text) / 2
    return sign * (value - logged) > slack


def _may_be(checkpoints: Sequence[Checkpoint], unit: Unit, at: float | None) -> str:
    """That what is missed may be in a checkpoint of which it is not known when it was saved."""
    possible = [c for c in checkpoints if time_of(c, unit) in (None, at)]
    if not possible:
        return ""
    possible.sort(key=lambda each: ("best" not in each.name.lower(), each.path))
    names = " or ".join(repr(each.name) for each in possible[:_NAMED])
    more = f" or {len(possible) - _NAMED} more" if len(possible) > _NAMED else ""
    return f"; it may be in {names}{more} (`ckptsel which` tells)"


def _when(point: Point, unit: Unit) -> str:
    at = "" if point.at is None else f"at {unit} {in_short(point.at)} "
    return f"{at}({point.source})"
