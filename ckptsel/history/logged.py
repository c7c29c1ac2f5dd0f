"""A metric's values in a log, row by row: no more of it is in memory than is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from ckptsel.checkpoint import Finding
from ckptsel.history.points import Point, Unit
from ckptsel.history.trainings import Parts
from ckptsel.naming.vocabulary import canonical
from ckptsel.sources.joining.agreement import columns
from ckptsel.sources.log import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ckptsel.search.logs.read import LogRead
    from ckptsel.sources.log import LogRow


class Value(NamedTuple):
    """A metric's value in one row.

    Attributes:
        at: the epoch or the step, as the log counts it.
        value: the value, NaN included.
        row: the row.
        column: where in the row.
    """

    at: int
    value: float
    row: LogRow
    column: int

    def point(self, read: LogRead) -> Point:
        """The same, counted as the names count it, with its source."""
        places = self.row.places
        place = places[self.column] if places else str(self.row.place)
        return Point(self.at + read.joined.offset, self.value, f"{read.source}{place}")


class Sink(Protocol):
    """What takes values one by one, in the order of the log."""

    def add(self, value: Value) -> None:
        """Take one. Of several of one time the last one counts."""


_Sink = TypeVar("_Sink", bound=Sink)


def go_through(
    read: LogRead, metric: str, new: Callable[[], _Sink], findings: list[Finding]
) -> _Sink | None:
    """Show a metric's values in a log to a sink: those of the training of the checkpoints.

    Args:
        read: the log.
        metric: whose values.
        new: an empty sink. A log of several trainings is gone through twice.
        findings: takes that the log cannot be read any more.

    Returns:
        The sink, None if the log cannot be read.
    """
    unit = time_unit(read)
    if not unit:
        return new()
    told: list[Finding] = []  # by the search
    sink, parts = new(), Parts(read.joined, unit)
    otherwise = read.joined.otherwise if read.trusts_names else {}
    try:
        for value in _values(filter(parts.see, read.rows(told)), metric, unit, otherwise):
            sink.add(value)
        if parts.are_one():
            return sink
        sink = new()
        for value in _values(parts.chosen(read.rows(told)), metric, unit, otherwise):
            sink.add(value)
    except OSError as error:
        said = f"cannot be read any more: {error.strerror}"
        findings.append(Finding("log-unreadable", said, read.log.path, strict=True))
        return None
    return sink


def time_unit(read: LogRead) -> Unit:
    """What the rows of a log count; "" if they tell neither."""
    rows = [row for row in read.joined.rows if row is not None]
    if read.joined.key != "file":
        return "step" if read.joined.key == "step" else "epoch"
    epochs = {row.epoch for row in rows if row.epoch is not None}
    steps = {row.step for row in rows if row.step is not None}
    # Of several rows within an epoch, the step tells which is which.
    return "epoch" if epochs and len(steps) <= len(epochs) else "step" if steps else ""


def times_of(read: LogRead) -> dict[str, int]:
    """A checkpoint's path → when the row is of that it was given, as the log counts."""
    is_epoch = time_unit(read) == "epoch"
    times = ((path, row.epoch if is_epoch else row.step) for path, row in read.by_path().items())
    return {path: at for path, at in times if at is not None}


def _values(
    rows: Iterable[LogRow], metric: str, unit: Unit, otherwise: Mapping[str, str]
) -> Iterator[Value]:
    names: tuple[str, ...] | None = None
    column = -1
    is_epoch = unit == "epoch"
    for row in rows:
        if row.names is not names:
            names = row.names
            column = _column(names, metric, otherwise)
        at = row.epoch if is_epoch else row.step
        if column < 0 or at is None:
            continue
        value = number(row.texts[column])
        if value is not None:
            yield Value(at, value, row, column)


def _column(names: tuple[str, ...], metric: str, otherwise: Mapping[str, str]) -> int:
    """Where a metric stands: by its very name, or by another spelling of it; -1 if nowhere.

    And by what names mean by it, if that is another column (`Joined.otherwise`).
    """
    label = canonical(metric)
    is_plain = metric in names and label not in otherwise
    name = metric if is_plain else columns(names).get(otherwise.get(label, label))
    return -1 if name is None else names.index(name)
