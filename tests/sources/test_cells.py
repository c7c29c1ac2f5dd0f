"""Rows that are split, and rows that are read with their quotation marks."""

from __future__ import annotations

import csv
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.sources.reading.cells import CellsError, cells_of


def read(*parts: list[str], line: int = 2) -> list[tuple[int, list[str]]]:
    """All rows of some parts; without those that hold nothing, of which there are two kinds."""
    rows = chain.from_iterable(cells_of(iter(parts), ",", line))
    return [(at, cells) for at, cells in rows if any(cells)]


@given(
    st.lists(st.lists(st.text('ab0.,; "\t', max_size=8), max_size=4), max_size=4),
    st.sampled_from(["", "\r"]),
)
def test_as_the_reader_of_quotation_marks(parts: list[list[str]], end: str) -> None:
    """However the lines are cut into parts; what it refuses is refused."""
    whole = [line + end for part in parts for line in part]
    reader = csv.reader(whole, strict=True)
    expected, begin = [], 2
    try:
        for cells in reader:
            expected.append((begin, cells))
            begin = 2 + reader.line_num
    except csv.Error:
        with pytest.raises(CellsError):
            read(*([line + end for line in part] for part in parts))
        return
    rows = read(*([line + end for line in part] for part in parts))
    assert rows == [(at, cells) for at, cells in expected if any(cells)]


def test_lines_behind_a_quotation_mark() -> None:
    """They keep their numbers."""
    rows = read(["0,a", "1,b"], ['2,"c', 'd"', "3,e"], ["4,f"])
    assert [(at, cells[0]) for at, cells in rows] == [
        (2, "0"), (3, "1"), (4, "2"), (6, "3"), (7, "4"),
    ]  # fmt: skip


def test_a_text_that_does_not_end() -> None:
    """It does not take in all of the file."""
    with pytest.raises(CellsError, match="goes over"):
        read(['0,"a', *["b"] * 2000], ["c"] * 10, ["d"])
