"""One row a training run: how far it came, where it was best, and what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.history import (
    History,
    Point,
    Unit,
    by_run,
    of_checkpoints,
    of_log,
    time_of,
    unit_of,
)
from ckptsel.selection import select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ckptsel.checkpoint import Checkpoint, Log, Mode, Monitor, Ranked, Ranking
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
    logs = by_run(ranking.logs, groups)
    runs = [_run(path, rows, logs.get(path, []), monitor) for path, rows in groups.items()]
    runs.sort(key=lambda run: (run.best.rank or 0, "") if run.best else (math.inf, run.path))
    return Overview(ranking, tuple(runs))


def _run(path: str, rows: Sequence[Ranked], logs: Sequence[Log], monitor: Monitor) -> Run:
    unit = unit_of(row.checkpoint for row in rows)
    times = _times(rows, unit)
    saved = of_checkpoints(((row.checkpoint, row.metric) for row in rows), unit)
    logged = max((of_log(log, monitor.name) for log in logs), key=_length, default=History("", ()))
    history = logged if _length(logged) > _length(saved) else saved
    best = next((row for row in rows if row.rank is not None), None)
    return Run(
        path=path,
        checkpoints=len(rows),
        unit=unit,
        first=min(times, default=None),
        last=max(times, default=None),
        best=best,
        latest=max((row.checkpoint for row in rows), key=_time),
        history=tuple(history.points),
        trouble=tuple(
            replace(finding, path=path)
            for finding in (
                *_not_finite(monitor, (*logged.points, *saved.points)),
                *_best_lost(monitor, best, logged),
                *_saving_stopped(_times(rows, logged.unit), logged),
            )
        ),
    )


def _length(history: History) -> int:
    return len(history.points)


def _times(rows: Iterable[Ranked], unit: Unit) -> list[float]:
    times = (time_of(row.checkpoint, unit) for row in rows)
    return sorted(at for at in times if at is not None)


def _time(checkpoint: Checkpoint) -> tuple[float, float, float]:
    epoch, step = checkpoint.epoch, checkpoint.step
    return (
        -math.inf if epoch is None else epoch,
        -math.inf if step is None else step,
        checkpoint.modified,
    )


def _not_finite(monitor: Monitor, points: Iterable[Point]) -> Iterator[Finding]:
    broken = next((point for point in points if not math.isfinite(point.value)), None)
    if broken is not None:
        yield Finding("run-not-finite", f"{monitor.name} is {broken.value} {_when(broken)}")


def _best_lost(monitor: Monitor, best: Ranked | None, logged: History) -> Iterator[Finding]:
    if best is None:
        yield Finding("run-without-value", f"no checkpoint has a value of {monitor.name}")
    better = _better(best, logged.points, monitor.mode)
    if better is not None:
        said = f"{monitor.name} was {better.value:.6g} {_when(better)}, better than what was saved"
        yield Finding("run-best-not-saved", said)


def _saving_stopped(times: Sequence[float], logged: History) -> Iterator[Finding]:
    ends = [point.at for point in logged.points if point.at is not None]
    if ends and times:
        # Of a run that saves every ten epochs, the last nine may be without a checkpoint.
        usual = max((b - a for a, b in pairwise(times)), default=1)
        if max(ends) - times[-1] > usual:
            said = f"the log goes on to {max(ends):g}, the last checkpoint is of {times[-1]:g}"
            yield Finding("run-saving-stopped", said)


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
