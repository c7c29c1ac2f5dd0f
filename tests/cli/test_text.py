"""How strings and quantities are shown to people."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.cli.reports import text


@pytest.mark.parametrize(
    "raw, escaped",
    [
        ("plain name.keras", "plain name.keras"),
        ("Zürich ★ 重み", "Zürich ★ 重み"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x00\x7f\x85", r"\x00\x7f\x85"),
        (os.fsdecode(b"caf\xe9.h5"), r"caf\xe9.h5"),
        ("\ud800", r"\ud800"),
        ("abc\u202ekcab", r"abc\u202ekcab"),
        ("a\u2028b\u00a0c", r"a\u2028b\xa0c"),
        ("\U000e0041", r"\U000e0041"),
        ("C:\\runs", "C:\\runs"),
    ],
)
def test_shown_escapes_what_a_terminal_obeys(raw: str, escaped: str) -> None:
    """Control, direction and half characters are escaped; what can be read is left alone."""
    assert text.shown(raw) == escaped


@given(st.text(st.characters(min_codepoint=0)))
def test_shown_is_always_printable(raw: str) -> None:
    """Nothing that is shown can move a cursor or break a line."""
    assert text.shown(raw).isprintable()


@pytest.mark.parametrize(
    "size_bytes, expected",
    [
        (-1, "?"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1048575, "1.0 MiB"),
        (3 * 1024**3, "3.0 GiB"),
        (5000 * 1024**4, "5000.0 TiB"),
    ],
)
def test_size_in_the_unit_that_fits(size_bytes: int, expected: str) -> None:
    """A size is rounded to one digit in the unit that keeps it below 1024."""
    assert text.size(size_bytes) == expected


@pytest.mark.parametrize(
    "seconds, expected",
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (86400 * 400, "400 d")],
)
def test_age_in_the_largest_unit(seconds: float, expected: str) -> None:
    """An age is told in its largest whole unit, and a future one is new."""
    assert text.age(seconds) == expected


@given(st.floats(allow_nan=False) | st.integers())
def test_number_reads_back(value: float) -> None:
    """A number in csv is the same number when it is read."""
    assert float(text.number(value)) == float(value)


def test_count_agrees_in_number() -> None:
    """One name, two names."""
    assert [text.count(n, "name") for n in (0, 1, 2)] == ["0 names", "1 name", "2 names"]
    assert text.count(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    "pattern, line",
    [
        ("w.{epoch}.h5", "--pattern 'w.{epoch}.h5'  (1 name)"),
        ("it's {epoch}", """--pattern 'it'"'"'s {epoch}'  (1 name)"""),
    ],
)
def test_pattern_line_can_be_pasted(pattern: str, line: str) -> None:
    """A pattern is quoted for a shell."""
    assert text.pattern_line(pattern, 1) == line
