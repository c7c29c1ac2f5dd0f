"""One metric over the time of a training: from its log, or from its checkpoints."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ckptsel.naming.read import as_number
from ckptsel.naming.vocabulary import canonical
from ckptsel.sources import kind_of
from ckptsel.sources.agreement import columns
from ckptsel.sources.log import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Checkpoint, Finding, Log, Metric
    from ckptsel.sources.log import LogRow

Unit: TypeAlias = Literal["epoch", "step", ""]


class Point(NamedTuple):
    """A metric's value at one time of a training.

    Attributes:
        at: the epoch or the step, counted as the names count it; None where it is not known.
        value: the value, NaN included.
        source: where it stands: `name`, `csv:training.csv:12`.
    """

    at: float | None
    value: float
    source: str


class History(NamedTuple):
    """A metric's values in the order of the training.

    Attributes:
        unit: what `at` counts.
        points: the values.
    """

    unit: Unit
    points: Sequence[Point]


def of_checkpoints(values: Iterable[tuple[Checkpoint, Metric | None]], unit: Unit) -> History:
    """The values of one run's checkpoints; those without a number are left out."""
    points = [
        Point(time_of(checkpoint, unit), as_number(metric.value), metric.source)
        for checkpoint, metric in values
        if metric is not None and not isinstance(metric.value, str)
    ]
    return History(unit, sorted(points, key=_order))


def of_log(log: Log, metric: str) -> History:
    """A metric's values in a log; of each epoch or step the last one, as after a restart."""
    unit: Unit = "step" if log.by == "step" else "epoch"
    found: dict[float, Point] = {}
    for row in _rows(log):
        column = columns(tuple(row.values)).get(canonical(metric))
        value = number(row.values[column]) if column is not None else None
        at = row.step if unit == "step" else row.epoch
        if value is None or at is None:
            continue
        place = f"{os.path.basename(log.path)}:{row.place}"
        if row.places and column is not None:
            place = row.places[row.names.index(column)]
        source = f"{log.kind}:{place}"
        found[at] = Point(at + log.offset, value, source)
    return History(unit, sorted(found.values(), key=_order))


def by_run(logs: Iterable[Log], runs: Iterable[str]) -> Mapping[str, Sequence[Log]]:
    """The logs that were joined, by the nearest run folder around each."""
    found: dict[str, list[Log]] = {}
    runs = list(runs)
    for log in logs:
        folder = log.path if log.files else os.path.dirname(log.path)
        around = [run for run in runs if run in ("", folder) or folder.startswith(run + os.sep)]
        if log.joined and around:
            found.setdefault(max(around, key=len), []).append(log)
    return found


def unit_of(checkpoints: Iterable[Checkpoint]) -> Unit:
    """What a run's checkpoints are counted in."""
    units: Unit = ""
    for checkpoint in checkpoints:
        if checkpoint.epoch is not None:
            return "epoch"
        if checkpoint.step is not None:
            units = "step"
    return units


def time_of(checkpoint: Checkpoint, unit: Unit) -> float | None:
    """The epoch or the step of a checkpoint, None if it has none."""
    if unit == "epoch":
        return checkpoint.epoch
    return checkpoint.step if unit == "step" else None


def _order(point: Point) -> float:
    return float("inf") if point.at is None else point.at


def _rows(log: Log) -> Iterator[LogRow]:
    findings: list[Finding] = []  # which the search has told
    try:
        path = log.files[0] if log.files else log.path
        kind = kind_of(path, os.path.basename(path))
        if kind is None:
            return
        if log.files and kind[1].read_together is not None:
            yield from kind[1].read_together(log.path, log.files, findings)
        else:
            yield from kind[1].read(path, findings)
    except OSError:
        return  # gone since it was joined
