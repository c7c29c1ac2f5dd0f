"""One field: every value that prints as a text, and no other."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.naming.fields import SPEC, Field
from tests.naming.templates import FLOATS


@pytest.mark.parametrize(
    "spec, text, value",
    [
        ("d", "7", 7),
        ("d", "-7", -7),
        ("02d", "07", 7),
        ("02d", "100", 100),
        ("2d", " 7", 7),
        ("00d", "7", 7),
        ("<4d", "7   ", 7),
        ("^5d", "  7  ", 7),
        ("*>4d", "***7", 7),
        ("0=+4d", "+007", 7),
        ("+d", "+7", 7),
        (" d", " 7", 7),
        (",d", "1,234,567", 1234567),
        ("_d", "1_234", 1234),
        ("010,d", "00,001,234", 1234),
        ("x", "ff", 255),
        ("#X", "0XFF", 255),
        ("08b", "00000101", 5),
        ("o", "17", 15),
        ("n", "1234", 1234),
        ("n", "0.5", 0.5),
        ("", "7", 7),
        ("", "0.7731548547744751", 0.7731548547744751),
        ("", "1e-05", 1e-05),
        ("", "-inf", -math.inf),
        (".2f", "0.31", 0.31),
        (".2f", "-0.00", -0.0),
        (".2f", "-1.50", -1.5),
        (".2f", "inf", math.inf),
        (".2F", "INF", math.inf),
        ("2f", "0.773155", 0.773155),
        (".0f", "3", 3.0),
        ("#.0f", "3.", 3.0),
        ("8.3f", "   0.123", 0.123),
        ("010.3f", "-00000.500", -0.5),
        ("04.1f", "0inf", math.inf),
        ("=+8.2f", "+   0.50", 0.5),
        (",.2f", "1,234.50", 1234.5),
        (".2e", "6.95e-01", 0.695),
        ("+.2e", "+6.95e-01", 0.695),
        ("E", "1.000000E+00", 1.0),
        (".3g", "0.0001", 0.0001),
        ("g", "1e-05", 1e-05),
        ("G", "1E-05", 1e-05),
        (".1%", "69.5%", 0.695),
        ("%", "69.500000%", 0.695),
        (".0%", "7%", 0.07),
        ("6.4", "0.8123", 0.8123),
    ],
)
def test_number(spec: str, text: str, value: float) -> None:
    """A number field reads back the one number that prints as the text."""
    (read,) = Field("val_loss", spec).readings(text)
    assert repr(read) == repr(value)


@pytest.mark.parametrize(
    "spec", ["", ".2f", "e", "g", "n", "%", "4.1f", "04.1f"], ids=lambda spec: spec or "none"
)
def test_nan(spec: str) -> None:
    """A nan is read as such, padded or not."""
    (value,) = Field("val_loss", spec).readings(format(math.nan, spec))
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize(
    "spec, text",
    [
        ("d", "7.0"),
        ("d", "x"),
        ("d", ""),
        ("d", "007"),
        ("d", "1_0"),
        ("d", "१२"),
        ("03d", "07"),
        ("+d", "7"),
        (".2f", "0.5"),
        (".2f", "0.512"),
        (".2f", "7"),
        (".2f", "NAN"),
        (".2e", "0.31"),
        (".1%", "69.5"),
        (",d", "1234"),
        (",d", "12,34"),
        ("z.1f", "-0.0"),
        ("x", "FF"),
        ("", "abc"),
        ("", "0.50"),
    ],
)
def test_not_printed(spec: str, text: str) -> None:
    """A text that the field never prints has no value."""
    assert Field("val_loss", spec).readings(text) == []


@pytest.mark.parametrize(
    "field, text, values",
    [
        (Field("run"), "resnet", ["resnet"]),
        (Field("run"), "7", [7]),
        (Field("run"), "007", ["007"]),
        (Field("run"), "", [""]),
        (Field("run", "s"), "7", ["7"]),
        (Field("run", conversion="s"), "0.5", [0.5]),
        (Field("run", ">6"), "   abc", ["   abc", "  abc"]),
        (Field("run", conversion="r"), "'a b'", ["a b"]),
        (Field("run", conversion="r"), "1e-05", [1e-05]),
        (Field("run", conversion="r"), "'open", []),
        (Field("run", conversion="a"), "'\\xe9'", ["é"]),
        (Field("run", "s", style="percent"), "abc", ["abc"]),
        (Field("run", "r", style="percent"), "'abc'", ["abc"]),
        (Field("0", "03d", style="percent"), "007", [7]),
        (Field("0", "-5d", style="percent"), "7    ", [7]),
        (Field("0", "+.2f", style="percent"), "+0.50", [0.5]),
        (Field("0", "i", style="percent"), "7", [7]),
        (Field("epoch"), "abc", []),
        (Field("epoch", numeric=True), "7", [7]),
        (Field("run", numeric=True), "abc", []),
    ],
)
def test_text(field: Field, text: str, values: list[object]) -> None:
    """Labels are text unless they print as a number; epochs and metrics never are text."""
    assert [repr(value) for value in field.readings(text)] == [repr(value) for value in values]


def test_specifications_are_those_of_format() -> None:
    """The grammar takes what format() takes, for a table of both kinds."""
    for spec in ("", "5", "<5", "*^+10,.3f", "z.1f", "#x", "0>4d", "_d", "=+8.2f"):
        assert SPEC.fullmatch(spec), spec
    for spec in ("f.2", "2x4", ".f", "q", "5 ", ",,d", ".2.3f"):
        assert not SPEC.fullmatch(spec), spec


@given(st.integers(), st.sampled_from(["d", "05d", "<8d", "*^9d", "+,d", "_d", "x", "#b", "", "n"]))
def test_integers_come_back(value: int, spec: str) -> None:
    """Whatever prints an integer, that integer is read."""
    text = format(value, spec)
    assert Field("epoch", spec).readings(text) == [value]


@given(FLOATS, st.sampled_from([".2f", "e", ".3g", "G", "%", "12.4f", "+08.1f", ",.2f", ""]))
def test_floats_come_back(value: float, spec: str) -> None:
    """Whatever prints a float, what is read prints as the same text."""
    field = Field("val_loss", spec)
    text = format(value, spec)
    (read,) = field.readings(text)
    assert field.format(read) == text
