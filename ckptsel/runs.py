"""One row a training run: how far it came, where it was best, and what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckptsel.errors import UsageError
from ckptsel.history.course import course_of
from ckptsel.history.logged import time_unit
from ckptsel.history.points import of_checkpoints, order_of, point_of, unit_of
from ckptsel.history.series import contested, courses, trainings
from ckptsel.history.trouble import (
    Told,
    best_lost,
    not_finite,
    saving_stopped,
    several_trainings,
    times_of_checkpoints,
    without_value,
)
from ckptsel.ranking.smoothing import UNSMOOTHED
from ckptsel.search.logs.families import words_of
from ckptsel.search.places import bare_checkpoint
from ckptsel.selection import select_with_survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Checkpoint, Finding, Monitor, Ranked, Ranking
    from ckptsel.history.points import Point, Unit
    from ckptsel.search.logs.families import Words
    from ckptsel.search.logs.read import LogRead
    from ckptsel.search.query import Query
    from ckptsel.search.survey import Survey


@dataclass(frozen=True, slots=True)
class Run:
    """One training run.

    Attributes:
        path: its folder.
        checkpoints: how many it has.
        unit: what it is counted in: `epoch`, `step`, or "" where neither is known.
        first: the earliest checkpoint, in that unit.
        last: the latest one.
        best: the best checkpoint's place in the ranking of all runs; None if none has a value.
        latest: the latest checkpoint, by epoch, then step, then age.
        history: the monitor's values in the order of the training, one a time: the log's where
            there is one that has as many of them, else the checkpoints', if it is known when they
            are of. Of a very long log some are left out, the best and the last are not.
        history_unit: what these are counted in: that of the log may be another.
        values: how many there are, with those left out.
        trouble: what is wrong with it.
    """

    path: str
    checkpoints: int
    unit: str
    first: float | None
    last: float | None
    best: Ranked | None
    latest: Checkpoint
    history: tuple[Point, ...]
    history_unit: str
    values: int
    trouble: tuple[Finding, ...]

    @property
    def is_latest_best(self) -> bool:
        """Whether the latest checkpoint is the best one."""
        return self.best is not None and self.best.checkpoint.path == self.latest.path


@dataclass(frozen=True, slots=True)
class Overview:
    """All the runs of a search.

    Attributes:
        ranking: what the runs' best checkpoints were taken from.
        runs: the runs; the one with the best checkpoint first, those without a value last.
    """

    ranking: Ranking
    runs: tuple[Run, ...]


def overview(query: Query, progress: Callable[[int], None] | None = None) -> Overview:
    """Look at the runs of a search, one by one.

    Args:
        query: what is asked for; `per_run` does not matter.
        progress: is told now and then how many files have been seen.

    Raises:
        UsageError: for `query.pareto`: of each run one is the best.
        CkptselError: as `select` does.
    """
    if query.pareto:
        raise UsageError(
            "--pareto takes several checkpoints, and a run has one best",
            hint="without it, the first monitor decides, and among equals the next one",
        )
    query = replace(query, per_run=False, each_run=True)
    ranking, found = select_with_survey(query, progress=progress)
    assert ranking.monitor is not None
    logs: dict[str, list[LogRead]] = {}
    for read in found.reads:
        logs.setdefault(read.run, []).append(read)
    groups: dict[str, list[Ranked]] = {}
    for row in ranking.rows:
        groups.setdefault(row.checkpoint.run, []).append(row)
    words = words_of(found.read)
    partly = {*groups} if query.include or query.exclude else _named(found)
    runs = [
        _run(path, rows, logs.get(path, ()), ranking.monitor, words, is_whole=path not in partly)
        for path, rows in groups.items()
    ]
    runs.sort(key=lambda run: (run.best.rank or 0, "") if run.best else (math.inf, run.path))
    return Overview(ranking, tuple(runs))


def _named(found: Survey) -> set[str]:
    """The runs of which checkpoints were named one by one: they may have others."""
    runs = {place.run for place in found.read if place.folder.is_named}
    unread = (one for one in found.unread if one.folder.is_named)
    return runs | {bare_checkpoint(one).run for one in unread}


def _run(
    path: str,
    rows: Sequence[Ranked],
    logs: Sequence[LogRead],
    monitor: Monitor,
    words: Mapping[str, Words],
    *,
    is_whole: bool,
) -> Run:
    unit = unit_of(row.checkpoint for row in rows)
    times = times_of_checkpoints(rows, unit)
    parts = trainings(rows, words)
    # The first row is the best one, if the run has any.
    one = next(c for training in parts for c in courses(training, words, unit) if rows[0] in c)
    # A single value is the last one, whenever it was.
    alone = [*_points(one, unit)]
    points = alone if len(alone) == 1 else [*of_checkpoints(one, unit).values()]
    values, history_unit = len(points), unit
    is_mixed = len(parts) > 1 or contested(one, unit) is not None
    usable = [row for row in rows if row.rank is not None or row.reason == UNSMOOTHED]
    broken = next((p for p in _points(rows, unit) if not math.isfinite(p.value)), None)
    trouble: list[Finding] = []
    told = _told(logs, rows, monitor, trouble)
    if told is not None and told.course.broken is not None:
        trouble += not_finite(monitor, told.course.broken.point(told.read), told.unit)
    else:
        trouble += not_finite(monitor, broken, unit)
    trouble += without_value(monitor, usable)
    if told is not None:
        course = told.course
        trouble += best_lost(monitor, rows, usable, told, is_whole=is_whole)
        trouble += saving_stopped(monitor, rows, told, is_whole=is_whole)
        if course.count >= max(1, len(points)):
            points, history_unit, is_mixed = course.points(), told.unit, False
            values = course.count
    if is_mixed and points:
        trouble.append(several_trainings(rows[0]))
    return Run(
        path=path,
        checkpoints=len(rows),
        unit=unit,
        first=min(times, default=None),
        last=max(times, default=None),
        best=next((row for row in rows if row.rank is not None), None),
        latest=max((row.checkpoint for row in rows), key=_time),
        history=tuple(points),
        history_unit=history_unit,
        values=values,
        trouble=tuple(replace(finding, path=finding.path or path) for finding in trouble),
    )


def _told(
    logs: Sequence[LogRead], rows: Sequence[Ranked], monitor: Monitor, findings: list[Finding]
) -> Told | None:
    """What that log tells which has the most values."""
    found: list[Told] = []
    for read in logs:
        unit = time_unit(read)
        times = times_of_checkpoints(rows, unit)
        end = times[-1] - read.joined.offset if times else math.inf
        course = course_of(read, monitor.name, findings, end)
        if course is not None:
            found.append(Told(read, course, unit))
    return max(found, key=lambda told: told.course.count, default=None)


def _points(rows: Sequence[Ranked], unit: Unit) -> Iterator[Point]:
    """All values of the checkpoints, in their order, also of those of which no time is known."""
    for row in sorted(rows, key=lambda row: _time(row.checkpoint)):
        if (point := point_of(row, unit)) is not None:
            yield point


def _time(checkpoint: Checkpoint) -> tuple[float, ...]:
    return (*order_of(checkpoint), checkpoint.modified)
