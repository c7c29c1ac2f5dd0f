"""One row a training run: how far it came, where it was best, and what is wrong with it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.naming.vocabulary import canonical
from ckptsel.selection import select
from ckptsel.sources import kind_of
from ckptsel.sources.join import columns
from ckptsel.sources.log import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ckptsel.checkpoint import Checkpoint, Log, Mode, Monitor, Ranked, Ranking
    from ckptsel.search.query import Query
    from ckptsel.sources.log import LogRow

# Values of a log and of a checkpoint are one and the same if they differ by no more than this
# share, which a float32 loses.
_SAME = 1e-6


class Point(NamedTuple):
    """The monitor's value at one time of a training.

    Attributes:
        at: the epoch or the step, counted as the names count it; None where it is not known.
        value: the value, NaN included.
        source: where it stands: `name`, `csv:training.csv:12`.
    """

    at: float | None
    value: float
    source: str


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
        history: the monitor's values in the order of the training: the log's where there is one
            that has more of them, else the checkpoints'.
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
        CkptselError: as `select` does.
    """
    ranking = select(replace(query, per_run=False), progress=progress)
    monitor = ranking.monitor
    assert monitor is not None
    groups: dict[str, list[Ranked]] = {}
    for row in ranking.rows:
        groups.setdefault(row.checkpoint.run, []).append(row)
    logs: dict[str, list[Log]] = {}
    for log in ranking.logs:
        if log.joined and (run := _owner(log, groups)) is not None:
            logs.setdefault(run, []).append(log)
    runs = [_run(path, rows, logs.get(path, []), monitor) for path, rows in groups.items()]
    runs.sort(key=lambda run: (run.best.rank or 0, "") if run.best else (math.inf, run.path))
    return Overview(ranking, tuple(runs))


def _owner(log: Log, runs: Iterable[str]) -> str | None:
    """The nearest run folder around a log."""
    folder = os.path.dirname(log.path)
    around = [run for run in runs if run in ("", folder) or folder.startswith(run + os.sep)]
    return max(around, key=len, default=None)


def _run(path: str, rows: Sequence[Ranked], logs: Sequence[Log], monitor: Monitor) -> Run:
    unit = _unit([row.checkpoint for row in rows])
    times = [at for row in rows if (at := _at(row.checkpoint, unit)) is not None]
    best = next((row for row in rows if row.rank is not None), None)
    saved = sorted(_of_checkpoints(rows, unit), key=_order)
    logged = max((_history(log, monitor) for log in logs), key=len, default=[])
    history = logged if len(logged) > len(saved) else saved
    latest = max((row.checkpoint for row in rows), key=_time)
    return Run(
        path=path,
        checkpoints=len(rows),
        unit=unit,
        first=min(times, default=None),
        last=max(times, default=None),
        best=best,
        latest=latest,
        history=tuple(history),
        trouble=tuple(_trouble(path, rows, best, logged, sorted(times), monitor)),
    )


def _unit(checkpoints: Sequence[Checkpoint]) -> str:
    if any(checkpoint.epoch is not None for checkpoint in checkpoints):
        return "epoch"
    return "step" if any(checkpoint.step is not None for checkpoint in checkpoints) else ""


def _at(checkpoint: Checkpoint, unit: str) -> float | None:
    if unit == "epoch":
        return checkpoint.epoch
    return checkpoint.step if unit == "step" else None


def _time(checkpoint: Checkpoint) -> tuple[float, float, float]:
    epoch, step = checkpoint.epoch, checkpoint.step
    return (
        -math.inf if epoch is None else epoch,
        -math.inf if step is None else step,
        checkpoint.modified,
    )


def _order(point: Point) -> float:
    return math.inf if point.at is None else point.at


def _of_checkpoints(rows: Iterable[Ranked], unit: str) -> Iterator[Point]:
    for row in rows:
        if row.metric is not None and isinstance(row.metric.value, (int, float)):
            at = _at(row.checkpoint, unit)
            yield Point(at, float(row.metric.value), row.metric.source)


def _history(log: Log, monitor: Monitor) -> list[Point]:
    """The monitor's values in a log, of each epoch or step the last one."""
    found: dict[float | int, Point] = {}
    for row in _rows(log):
        column = columns(tuple(row.values)).get(canonical(monitor.name))
        value = number(row.values[column]) if column is not None else None
        if value is None:
            continue
        at = row.step if log.by == "step" or row.epoch is None else row.epoch
        source = f"{log.kind}:{os.path.basename(log.path)}:{row.place}"
        point = Point(None if at is None else at + log.offset, value, source)
        found[row.place if at is None else at] = point
    return sorted(found.values(), key=_order)


def _rows(log: Log) -> Iterator[LogRow]:
    findings: list[Finding] = []  # which the search has told
    try:
        kind = kind_of(log.path, os.path.basename(log.path))
        if kind is not None:
            yield from kind[1].read(log.path, findings)
    except OSError:
        return  # gone since it was joined


def _trouble(
    path: str,
    rows: Sequence[Ranked],
    best: Ranked | None,
    logged: Sequence[Point],
    times: Sequence[float],
    monitor: Monitor,
) -> Iterator[Finding]:
    points = [*logged, *_of_checkpoints(rows, _unit([row.checkpoint for row in rows]))]
    broken = [point for point in points if not math.isfinite(point.value)]
    if broken:
        said = f"{monitor.name} is {broken[0].value} {_when(broken[0])}"
        yield Finding("run-not-finite", said, path)
    if best is None:
        yield Finding("run-without-value", f"no checkpoint has a value of {monitor.name}", path)
    better = _better(best, logged, monitor.mode)
    if better is not None:
        said = f"{monitor.name} was {better.value:.6g} {_when(better)}, better than what was saved"
        yield Finding("run-best-not-saved", said, path)
    ends = [point.at for point in logged if point.at is not None]
    if ends and times:
        # Of a run that saves every ten epochs, the last nine may be without a checkpoint.
        usual = max((b - a for a, b in pairwise(times)), default=1)
        if max(ends) - times[-1] > usual:
            said = f"the log goes on to {max(ends):g}, the last checkpoint is of {times[-1]:g}"
            yield Finding("run-saving-stopped", said, path)


def _when(point: Point) -> str:
    return f"({point.source})" if point.at is None else f"at {point.at:g} ({point.source})"


def _better(best: Ranked | None, logged: Sequence[Point], mode: Mode) -> Point | None:
    """A logged value that is better than that of the best checkpoint."""
    finite = [point for point in logged if math.isfinite(point.value)]
    if not finite or best is None or best.metric is None:
        return None
    value = best.metric.value
    if isinstance(value, str):
        return None
    sign = 1 if mode == "min" else -1
    point = min(finite, key=lambda point: sign * point.value)
    slack = _SAME * max(abs(value), abs(point.value))
    if best.metric.source == "name":
        # It is printed with few digits, and the log's may be that very value.
        slack += _rounding(best.metric.text)
    return point if sign * (value - point.value) > slack else None


def _rounding(text: str) -> float:
    from ckptsel.naming.decimals import printed_unit  # noqa: PLC0415 - with the first such value

    return printed_unit(text) / 2
