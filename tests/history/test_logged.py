"""Going through a log again: which rows count, how much of it is kept, and in how much memory."""

from __future__ import annotations

import math
import tracemalloc
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.checkpoint import Log
from ckptsel.history.course import MOST, Course, course_of
from ckptsel.history.logged import Value, go_through
from ckptsel.history.neighbours import Neighbours
from ckptsel.search.logs.read import LogRead
from ckptsel.sources.joining.joined import Joined
from ckptsel.sources.log import Key, LogRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ckptsel.checkpoint import Finding

COLUMNS = ("epoch", "val_loss")


def row(place: int, epoch: int, value: float, file: str = "") -> LogRow:
    """A row of a table."""
    return LogRow(place, COLUMNS, [str(epoch), str(value)], epoch, file=file)


def log(*values: tuple[int, float]) -> list[LogRow]:
    """The rows of a table, of an epoch and a value each."""
    return [row(place, *each) for place, each in enumerate(values, 2)]


def read(
    rows: Sequence[LogRow] | Callable[[], Iterator[LogRow]],
    given: Iterable[LogRow | None],
    key: Key = "epoch",
    offset: int = 0,
) -> LogRead:
    """A log that gave checkpoints some of its rows."""
    joined = Joined([*given], key, offset)
    again = rows if callable(rows) else lambda: iter(rows)
    shown = Log("log.csv", "csv", 1, key)
    return LogRead("", shown, "csv:log.csv:", joined, (), False, lambda _findings: again())


def points(of: LogRead, metric: str = "val_loss") -> list[tuple[float | None, float]]:
    """The times and the values that count."""
    course = course_of(of, metric, [])
    assert course is not None
    return [(point.at, point.value) for point in course.points()]


def test_as_the_names_count() -> None:
    """A time is counted as names count it, and each value has its source."""
    rows = log((0, 0.5), (1, 0.25))
    course = course_of(read(rows, rows[:1], offset=1), "val_loss", [])
    assert course is not None
    assert [(p.at, p.value, p.source) for p in course.points()] == [
        (1, 0.5, "csv:log.csv:2"), (2, 0.25, "csv:log.csv:3")
    ]  # fmt: skip


def test_another_spelling() -> None:
    """The metric goes by its very name first, and then by any spelling of it."""
    rows = [LogRow(2, ("val/loss", "val_loss"), ["0.5", "0.25"], 3)]
    assert points(read(rows, rows)) == [(3, 0.25)]
    rows = [LogRow(2, ("val/loss",), ["0.5"], 3)]
    assert points(read(rows, rows)) == [(3, 0.5)]
    assert points(read(rows, rows), "val_acc") == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # Which rows gave a checkpoint its values → which values count.
        ((1,), [(0, 0.9), (1, 0.8), (2, 0.7)]),
        ((4,), [(0, 0.6), (1, 0.5), (2, 0.4)]),
        ((0, 5), [(0, 0.9), (1, 0.5), (2, 0.4)]),
    ],
)
def test_two_trainings_in_one_log(
    given: tuple[int, ...], expected: list[tuple[float, float]]
) -> None:
    """That one counts which checkpoints have rows of; both do, where files of both are left."""
    rows = log((0, 0.9), (1, 0.8), (2, 0.7), (0, 0.6), (1, 0.5), (2, 0.4))
    assert points(read(rows, [rows[place] for place in given])) == expected


def test_a_part_without_checkpoints_goes_on_with_the_one_before() -> None:
    """A training that was resumed, and saved nothing since, is still the same one."""
    rows = log((0, 0.9), (1, 0.8), (2, 0.7), (1, 0.1), (2, 0.2), (2, 0.3), (0, 0.6), (1, 0.4))
    assert points(read(rows, rows[:1])) == [(0, 0.9), (1, 0.1), (2, 0.3)]


def test_rows_in_any_order() -> None:
    """A table that is sorted otherwise is one training still."""
    rows = log((3, 0.3), (1, 0.1), (2, 0.2), (0, 0.0))
    assert points(read(rows, rows[2:3])) == [(0, 0.0), (1, 0.1), (2, 0.2), (3, 0.3)]


def test_files_that_were_written_again() -> None:
    """By file, the part with the last row of a file counts."""
    rows = [row(n, e, v, "best.h5") for n, (e, v) in enumerate(((1, 0.5), (3, 0.4), (1, 0.3)))]
    assert points(read(rows, rows[2:], "file")) == [(1, 0.3)]


def test_steps_within_an_epoch() -> None:
    """Where several files are of one epoch, the step tells which is which."""
    rows = [LogRow(n, ("loss",), [f"0.{n}"], 1, 100 * n, f"{n}.h5") for n in (1, 2)]
    assert points(read(rows, rows, "file"), "loss") == [(100, 0.1), (200, 0.2)]
    assert points(read([LogRow(1, ("loss",), ["1"], file="a")] * 2, [None], "file"), "loss") == []


def test_the_notable_values_of_a_long_log() -> None:
    """Some are left out of a long log; not the lowest, the highest, the first NaN and the last."""
    total = 3 * MOST + 1
    values = {7: 0.25, 9: 3.5, 11: math.nan, total - 1: 0.75}
    rows = [row(epoch, epoch, values.get(epoch, 1.0)) for epoch in range(total)]
    course = course_of(read(rows, rows[:1]), "val_loss", [])
    assert course is not None
    found = {point.at: point.value for point in course.points()}
    assert course.count == total
    assert MOST / 2 < len(found) <= MOST + 4
    assert [*found] == sorted(found, key=lambda at: at or 0)
    assert {at: found[at] for at in values} == pytest.approx(values, nan_ok=True)


def test_a_log_that_is_gone() -> None:
    """It is said, and gravely: it was there when it was joined."""

    def gone() -> Iterator[LogRow]:
        raise FileNotFoundError(2, "No such file or directory")

    findings: list[Finding] = []
    assert course_of(read(gone, log((0, 0.5))), "val_loss", findings) is None
    assert [(f.code, f.strict, f.path) for f in findings] == [("log-unreadable", True, "log.csv")]


@pytest.mark.parametrize("restarts", [False, True])
def test_memory_does_not_grow_with_the_log(restarts: bool) -> None:
    """Four times as many rows need no more of it, with the course and with neighbours."""

    def peak_bytes(total: int) -> int:
        def rows() -> Iterator[LogRow]:
            starts = range(10, 1000) if restarts else ()
            again = (row(0, epoch, 0.5) for start in starts for epoch in range(start, start + 20))
            return chain((row(n, n, 1 / (n + 1)) for n in range(total)), again)

        of = read(rows, [row(n, n, 1 / (n + 1)) for n in (3, 50, 700)])
        tracemalloc.start()
        try:
            go_through(of, "val_loss", lambda: Course(of), [])
            go_through(of, "val_loss", lambda: Neighbours((3, 50, 700), 6), [])
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small = peak_bytes(2 * MOST)
    assert peak_bytes(8 * MOST) < 1.2 * small


VALUES = st.dictionaries(st.integers(0, 30), st.integers(0, 9).map(float), max_size=25)


@given(VALUES, st.lists(st.integers(0, 30), max_size=6), st.integers(1, 5), st.randoms())
def test_neighbours_in_any_order(
    values: dict[int, float], times: list[int], most: int, chance: object
) -> None:
    """By the definition: those before and those after, each at most so many, in their order."""
    shuffled = [*values.items()]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    found = Neighbours(times, most)
    for at, value in shuffled:
        found.add(Value(at, -1.0, row(0, at, value), 1))  # of one time the last one counts
    for at, value in shuffled:
        found.add(Value(at, value, row(0, at, value), 1))
    ordered = sorted(values)
    for time in times:
        if time not in values:
            assert found.around(time) is None
            continue
        place = ordered.index(time)
        before = [values[at] for at in ordered[max(0, place - most) : place + 1]]
        after = [values[at] for at in ordered[place + 1 : place + 1 + most]]
        assert found.around(time) == (before, after)
