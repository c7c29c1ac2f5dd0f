"""The search for readings: it ends, however many there are."""

from __future__ import annotations

import pytest

from ckptsel.naming.form import Form
from ckptsel.naming.search import MAX_TRIES, Search, TooManyTriesError
from ckptsel.naming.template import parse_template


@pytest.mark.parametrize(
    "template, name, status",
    [
        ("{a}{b}{c}{d}x", "1" * 300 + "x", "ambiguous"),
        ("{a}{b}{c}{d}x", "1" * 300 + "y", "ambiguous"),
        ("{a}{b}{c}{d}{e}{f}{g}{h}x", "ab" * 200 + "y", "ambiguous"),
        ("{a:d}{b:d}{c:d}{d:d}x", "1" * 900 + "y", "ambiguous"),
        ("{a:d}{a:d}{a:d}x", "1" * 200 + "2x", "no-match"),
    ],
)
def test_pathological(template: str, name: str, status: str) -> None:
    """Names with more readings than can be tried are reported; none is guessed."""
    assert Form(parse_template(template)).parse(name).status == status


@pytest.mark.parametrize("template", ["{a}{b}{c}{d}x", "{a:d}-{b:d}-{c}{d}{e}", "{a}-{a}-{a}"])
def test_work_is_counted(template: str) -> None:
    """However bad the pattern, no more than MAX_TRIES texts are tried."""
    search = Search(parse_template(template), "1-" * 400 + "y")
    with pytest.raises(TooManyTriesError):
        list(search.readings())
    assert search.tries == MAX_TRIES + 1
