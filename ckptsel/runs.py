"""One row a training run: how far it came, where it was best, and what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import UsageError
from ckptsel.history.course import Course, course_of
from ckptsel.history.logged import time_unit, times_of
from ckptsel.history.points import Point, of_checkpoints, point_of, time_of, turn_of, unit_of
from ckptsel.history.series import contested, courses, trainings
from ckptsel.naming.read import as_number
from ckptsel.ranking.smoothing import UNSMOOTHED
from ckptsel.search.logs.families import words_of
from ckptsel.selection import select_with_survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Checkpoint, Monitor, Ranked, Ranking
    from ckptsel.history.points import Unit
    from ckptsel.search.logs.families import Words
    from ckptsel.search.logs.read import LogRead
    from ckptsel.search.query import Query

# Values of a log and of a checkpoint are one and the same if they differ by no more than this
# share, which a float32 loses.
_SAME = 1e-6


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
            there is one that has those of as many of the checkpoints' times as these themselves,
            else the checkpoints', if it is known when they are of. Of a very long log some are
            left out, the best and the last are not.
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
    ranking, found = select_with_survey(
        replace(query, per_run=False, each_run=True), progress=progress
    )
    monitor = ranking.monitor
    assert monitor is not None
    groups: dict[str, list[Ranked]] = {}
    for row in ranking.rows:
        groups.setdefault(row.checkpoint.run, []).append(row)
    logs: dict[str, list[LogRead]] = {}
    for read in found.reads:
        logs.setdefault(read.run, []).append(read)
    words = words_of(found.read)
    runs = [_run(path, rows, logs.get(path, ()), monitor, words) for path, rows in groups.items()]
    runs.sort(key=lambda run: (run.best.rank or 0, "") if run.best else (math.inf, run.path))
    return Overview(ranking, tuple(runs))


def _run(
    path: str,
    rows: Sequence[Ranked],
    logs: Sequence[LogRead],
    monitor: Monitor,
    words: Mapping[str, Words],
) -> Run:
    unit = unit_of(row.checkpoint for row in rows)
    times = _times(rows, unit)
    parts = trainings(rows, words)
    # The first row is the best one, if the run has any.
    one = next(c for training in parts for c in courses(training, words, unit) if rows[0] in c)
    # A single value is the last one, whenever it was.
    alone = [*_points(one, unit)]
    saved = alone if len(alone) == 1 else [*of_checkpoints(one, unit).values()]
    unreadable: list[Finding] = []
    logged = _longest(logs, monitor, unreadable)
    usable = [row for row in rows if row.rank is not None or row.reason == UNSMOOTHED]
    trouble = [*unreadable, *_without_value(monitor, usable)]
    values, points = len(saved), saved
    is_mixed = len(parts) > 1 or contested(one, unit) is not None
    best = next((row for row in rows if row.rank is not None), None)
    broken = next((p for p in _points(rows, unit) if not math.isfinite(p.value)), None)
    if logged is not None:
        read, course = logged
        broken = course.broken.point(read) if course.broken else broken
        trouble += _best_lost(monitor, usable, read, course)
        trouble += _saving_stopped(_times(rows, time_unit(read)), read, course)
        if course.count and len(course.known) >= len(saved):
            values, points, is_mixed = course.count, course.points(), False
    if is_mixed and points:
        trouble.append(_several_trainings(rows[0]))
    return Run(
        path=path,
        checkpoints=len(rows),
        unit=unit,
        first=min(times, default=None),
        last=max(times, default=None),
        best=best,
        latest=max((row.checkpoint for row in rows), key=_time),
        history=tuple(points),
        values=values,
        trouble=tuple(
            replace(finding, path=finding.path or path)
            for finding in (*_not_finite(monitor, broken), *trouble)
        ),
    )


def _longest(
    logs: Sequence[LogRead], monitor: Monitor, findings: list[Finding]
) -> tuple[LogRead, Course] | None:
    """The log that has values of the most of the checkpoints' times, and how it went."""
    found = (
        (read, course_of(read, monitor.name, findings, times_of(read).values())) for read in logs
    )
    known = [(read, course) for read, course in found if course is not None]
    return max(known, key=lambda each: (len(each[1].known), each[1].count), default=None)


def _points(rows: Sequence[Ranked], unit: Unit) -> Iterator[Point]:
    """All values of the checkpoints, in their order, also of those of which no time is known."""
    for row in sorted(rows, key=lambda row: _time(row.checkpoint)):
        if (point := point_of(row, unit)) is not None:
            yield point


def _times(rows: Iterable[Ranked], unit: Unit) -> list[float]:
    times = (time_of(row.checkpoint, unit) for row in rows)
    return sorted(at for at in times if at is not None)


def _time(checkpoint: Checkpoint) -> tuple[float, ...]:
    turn = (-math.inf if count is None else count for count in turn_of(checkpoint))
    return (*turn, checkpoint.modified)


def _several_trainings(row: Ranked) -> Finding:
    path = row.checkpoint.path
    said = "has checkpoints of one time that may be of several trainings: its values are those of"
    return Finding("run-several-trainings", f"{said} {path!r} and its like", strict=True)


def _not_finite(monitor: Monitor, broken: Point | None) -> Iterator[Finding]:
    if broken is not None:
        yield Finding("run-not-finite", f"{monitor.name} is {broken.value} {_when(broken)}")


def _without_value(monitor: Monitor, usable: Sequence[Ranked]) -> Iterator[Finding]:
    if not usable:
        yield Finding("run-without-value", f"no checkpoint has a value of {monitor.name}")


def _best_lost(
    monitor: Monitor, usable: Sequence[Ranked], read: LogRead, course: Course
) -> Iterator[Finding]:
    """A logged value that is better than that of any checkpoint."""
    found = course.lowest if monitor.mode == "min" else course.highest
    metrics = [row.metric for row in usable if row.metric is not None]
    if found is None or not metrics:
        return
    sign = 1 if monitor.mode == "min" else -1
    # By smoothed values, or by several monitors, another one may be the best of the run.
    best = min(metrics, key=lambda metric: sign * as_number(metric.value))
    value = as_number(best.value)
    slack = _SAME * max(abs(value), abs(found.value))
    if best.source == "name":
        # It is printed with few digits, and the log's may be that very value.
        slack += _rounding(best.text)
    if sign * (value - found.value) > slack:
        point = found.point(read)
        said = f"{monitor.name} was {point.value:.6g} {_when(point)}, better than what was saved"
        yield Finding("run-best-not-saved", said)


def _saving_stopped(times: Sequence[float], read: LogRead, course: Course) -> Iterator[Finding]:
    if course.last is not None and times:
        end = course.last.at + read.joined.offset
        # Of a run that saves every ten epochs, the last nine may be without a checkpoint.
        usual = max((b - a for a, b in pairwise(times)), default=1)
        if end - times[-1] > usual:
            said = (
                f"the log goes on to {_count(end)}, the last checkpoint is of {_count(times[-1])}"
            )
            yield Finding("run-saving-stopped", said)


def _when(point: Point) -> str:
    return f"({point.source})" if point.at is None else f"at {_count(point.at)} ({point.source})"


def _count(at: float) -> str:
    """An epoch or a step with all its digits."""
    return f"{at:.0f}" if at == int(at) else f"{at:g}"


def _rounding(text: str) -> float:
    from ckptsel.naming.decimals import printed_unit  # noqa: PLC0415 - with the first such value

    return printed_unit(text) / 2
