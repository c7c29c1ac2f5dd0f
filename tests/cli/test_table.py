"""A table as plain text."""

from __future__ import annotations

import pytest

from ckptsel.cli.reports.table import Column, Table, plain, width


def test_plain_aligns_and_cuts_nothing() -> None:
    """Numbers are flush right, text flush left, and a long name keeps all its characters."""
    name = "x" * 300
    table = Table(
        [Column("name", ["a", name]), Column("loss", ["0.5", "10.25"], right=True)],
        caption="above",
        footer=["below"],
    )
    assert list(plain(table)) == [
        "above",
        "",
        "name" + " " * 296 + "   loss",
        "a" + " " * 299 + "    0.5",
        name + "  10.25",
        "",
        "below",
    ]


def test_plain_escapes_every_part() -> None:
    """Headings, cells, caption and footer can all come from a file name."""
    table = Table([Column("a\x1b", ["b\n"])], caption="c\n", footer=["d\r"])
    assert list(plain(table)) == [r"c\n", "", r"a\x1b", r"b\n", "", r"d\r"]


def test_plain_aligns_wide_characters() -> None:
    """A character of two columns counts as two, a combining accent as none."""
    table = Table([Column("name", ["重み.h5", "e\u0301.h5"]), Column("n", ["1", "2"])])
    assert list(plain(table)) == ["name     n", "重み.h5  1", "e\u0301.h5     2"]


def test_plain_without_rows_says_the_rest() -> None:
    """No heading stands above nothing."""
    table = Table([Column("name", [])], caption="above", footer=["below"])
    assert list(plain(table)) == ["above", "", "", "below"]


@pytest.mark.parametrize("text, columns", [("", 0), ("abc", 3), ("重", 2), ("e\u0301", 1)])
def test_width(text: str, columns: int) -> None:
    """The width is that of a terminal, not the number of characters."""
    assert width(text) == columns
