"""Patterns into literals and fields; and where a pattern is wrong."""

from __future__ import annotations

import pytest

from ckptsel.errors import ExitCode, PatternError
from ckptsel.naming.fields import Field
from ckptsel.naming.template import parse_template

NO_FIELD = "the pattern has no field that could hold a value"
WRITE_IT = "write it as in the training code: 'weights.{epoch:02d}-{val_loss:.4f}.h5'"
NOT_CLOSED = "a '{' inside a field: the field before it is not closed"
NEVER_CLOSED = "a '{' that is never closed"
CLOSE_IT = "close the field with '}', or write '{{' for a literal brace"
STRAY = "a '}' without its '{'"
TWICE = "a literal brace is written twice: '}}'"
AS_FORMAT = "it is written as for str.format: '02d', '.4f', '.2e', '.1%'"
NESTED = "a field within a format specification"
WRITE_OUT = "write out the width or precision that stands there: a name does not tell it"
NO_CONVERSION = "a '%' that begins no conversion"
PERCENT_TWICE = "a literal percent sign is written twice: '%%'"


def field(name: str, spec: str = "", conversion: str = "") -> Field:
    """A field of str.format."""
    return Field(name, spec, conversion)


def percent(name: str, spec: str) -> Field:
    """A field of the % operator."""
    return Field(name, spec, style="percent")


@pytest.mark.parametrize(
    "text, parts",
    [
        ("w.{epoch:02d}.h5", ("w.", field("epoch", "02d"), ".h5")),
        ("{epoch}", (field("epoch"),)),
        ("{a:d}{b:d}", (field("a", "d"), field("b", "d"))),
        ("{{x}}{a}}}", ("{x}", field("a"), "}")),
        ("{a!r}-{b!s:>5}", (field("a", "", "r"), "-", field("b", ">5", "s"))),
        ("{val/loss:.2f}", (field("val/loss", ".2f"),)),
        ("{a-b}{c d}", (field("a-b"), field("c d"))),
        ("{:d}-{}", (field("0", "d"), "-", field("1"))),
        ('{logs["a:b"]:.2f}', (field('logs["a:b"]', ".2f"),)),
        ("{v::>5}", (field("v", ":>5"),)),
        ("100%-{v:.1%}", ("100%-", field("v", ".1%"))),
        ("e%(epoch)03d.pt", ("e", percent("epoch", "03d"), ".pt")),
        ("%03d-%.2f%%", (percent("0", "03d"), "-", percent("1", ".2f"), "%")),
        ("%s/e%ld", (percent("0", "s"), "/e", percent("1", "ld"))),
    ],
)
def test_parts(text: str, parts: tuple[str | Field, ...]) -> None:
    """Literals and fields stand in turn, with doubled braces made single."""
    assert parse_template(text) == parts


@pytest.mark.parametrize(
    "text, message, caret, hint",
    [
        (
            "{epoch:02d-{val_loss:.2f}",
            NOT_CLOSED,
            "           ^",
            "did you mean '{epoch:02d}-{val_loss:.2f}'?",
        ),
        (
            "w{epoch:02d-{val_loss:.2f}-{acc:.2f}.h5",
            NOT_CLOSED,
            "            ^",
            "did you mean 'w{epoch:02d}-{val_loss:.2f}-{acc:.2f}.h5'?",
        ),
        ("{epoch", NEVER_CLOSED, "^", CLOSE_IT),
        ("{epoch:02d}-{val_loss:.2f", NEVER_CLOSED, "            ^", CLOSE_IT),
        ("{a}{", NEVER_CLOSED, "   ^", CLOSE_IT),
        ("w\t{epoch", NEVER_CLOSED, "  ^", CLOSE_IT),
        ("a}b{x}", STRAY, " ^", TWICE),
        ("}", STRAY, "^", TWICE),
        ("{a}}", STRAY, "   ^", TWICE),
        ("{v:{w}}", NESTED, "   ^^^", WRITE_OUT),
        ("{epoch:2x4}", "'2x4' is no format specification", "       ^^^", "did you mean '2x'?"),
        ("{v:.2ff}", "'.2ff' is no format specification", "   ^^^^", "did you mean '.2f'?"),
        ("{v:%d}", "'%d' is no format specification", "   ^^", "did you mean 'd'?"),
        ("{v:abc}", "'abc' is no format specification", "   ^^^", AS_FORMAT),
        ("{v:.f}", "'.f' is no format specification", "   ^^", AS_FORMAT),
        (
            "{v: .2f }",
            "' .2f ' is no format specification",
            "   ^^^^^",
            "without the spaces: '.2f'",
        ),
        ("{v!x:.2f}", "'!x' is no conversion: there are !r, !s and !a", "  ^^", ""),
        ("{v!}", "'!' is no conversion: there are !r, !s and !a", "  ^", ""),
        ("{[}", "a field that cannot be read", " ^", ""),
        ("{{epoch}}", NO_FIELD, "^^^^^^^^^", WRITE_IT),
        ("w.h5", NO_FIELD, "^^^^", WRITE_IT),
        ("%%", NO_FIELD, "^^", WRITE_IT),
        ("", NO_FIELD, "^", WRITE_IT),
        ("%z", NO_CONVERSION, "^", PERCENT_TWICE),
        ("100%", NO_CONVERSION, "   ^", PERCENT_TWICE),
        ("%(epoch)q", NO_CONVERSION, "^", PERCENT_TWICE),
    ],
)
def test_malformed(text: str, message: str, caret: str, hint: str) -> None:
    """The message says what is wrong, the caret where, and the hint what to write."""
    with pytest.raises(PatternError) as caught:
        parse_template(text)
    error = caught.value
    assert (error.message, error.hint) == (message, hint)
    assert error.details == (text.replace("\t", "?"), caret)
    assert error.text == text
    assert error.exit_code == ExitCode.USAGE
