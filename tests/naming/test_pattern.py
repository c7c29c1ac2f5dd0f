"""Patterns as training code writes them: what format made, parse reads."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given, settings

from ckptsel.naming.fields import MAX_NUMBER_LENGTH
from ckptsel.naming.pattern import Pattern, tail_of
from ckptsel.naming.search import MAX_NAME_LENGTH
from ckptsel.naming.template import parse_template
from tests.naming.templates import Printed, printed


@pytest.mark.parametrize(
    "text, name, values",
    [
        ("weights.{epoch:02d}-{val_loss:.2f}.hdf5", "weights.07-0.31.hdf5", (7, 0.31)),
        ("weights.{epoch:02d}-{val_loss:.2f}.hdf5", "weights.100-0.31.hdf5", (100, 0.31)),
        ("{epoch:02d}-{val_loss:.2f}.h5", "01--0.31.h5", (1, -0.31)),
        ("{epoch:d}_{v:+.2e}.h5", "3_+6.95e-01.h5", (3, 0.695)),
        ("{epoch}_{val_loss}.h5", "3_0.7731548547744751.h5", (3, 0.7731548547744751)),
        ("{epoch:.2f}.h5", "1.00.h5", (1.0,)),
        ("{acc:.1%}.h5", "69.5%.h5", (0.695,)),
        ("{epoch:3d} {v:8.3f}.h5", "  7    0.310.h5", (7, 0.31)),
        ("{step:,d}.pt", "1,234,567.pt", (1234567,)),
        ("{v:2f}.h5", "0.310000.h5", (0.31,)),
        ("{val-loss:.2f}.h5", "0.31.h5", (0.31,)),
        ("{val/loss:.2f}.h5", "0.31.h5", (0.31,)),
        ("{val loss:.2f}-{2nd:d}.h5", "0.31-4.h5", (0.31, 4)),
        ("{{x}}-{epoch:d}.h5", "{x}-3.h5", (3,)),
        ("{epoch!r}-{v!s}.h5", "3-0.5.h5", (3, 0.5)),
        ("{:02d}-{:.2f}.h5", "03-0.31.h5", (3, 0.31)),
        ("{run}-{epoch:02d}.h5", "my-run-03.h5", ("my-run", 3)),
        ("{name}_e{epoch:d}.pt", "0.50_e3.pt", ("0.50", 3)),
        ("e{epoch:03d}/w{v:.1f}.h5", "/data/runs/e003/w0.5.h5", (3, 0.5)),
        ("{run}/{epoch:d}.h5", "/data/runs/a b/3.h5", ("a b", 3)),
        ("./ckpt/{epoch:d}.h5", "/elsewhere/ckpt/3.h5", (3,)),
        ("../../{epoch:d}.h5", "3.h5", (3,)),
        ("/tmp/x/{epoch:d}.h5", "/new/tmp/x/3.h5", (3,)),
        ("epoch-%(epoch)03d-%(loss).2f.pt", "epoch-007-0.31.pt", (7, 0.31)),
        ("%03d-%.4f.pt", "007-0.3100.pt", (7, 0.31)),
        ("%s_%%_%d.pt", "net_%_7.pt", ("net", 7)),
    ],
)
def test_parse(text: str, name: str, values: tuple[object, ...]) -> None:
    """A name gives back its values, under their names; where the pattern has folders, too."""
    pattern = Pattern(text)
    reading = pattern.parse(name)
    assert reading.status == "ok"
    assert tuple(reading.values.values()) == values
    assert tuple(reading.values) == tuple(field.name for field in pattern.fields)
    assert name.endswith(pattern.format(reading.values))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("spec", ["", ":.2f", ":e", ":G", ":6.1%", ":08.3f", ":+n", "!r"])
def test_not_finite(value: float, spec: str) -> None:
    """What is printed as nan or inf is read as such."""
    pattern = Pattern(f"w-{{val_loss{spec}}}.h5")
    reading = pattern.parse(pattern.format({"val_loss": value}))
    assert reading.status == "ok"
    assert repr(reading.values) == repr({"val_loss": value})


@pytest.mark.parametrize(
    "text, name",
    [
        ("{epoch:02d}-{val_loss:.2f}", "epoch=02-val_loss=0.32.ckpt"),
        ("{epoch:02d}-{val_loss:.2f}", "epoch=02-val_loss=0.32-v1.ckpt"),
        ("{epoch:02d}-{val_loss:.2f}", "epoch=02-val_loss=0.32-last.ckpt"),
        ("{epoch:02d}-{val_loss:.2f}", "epoch=02-val_loss=0.32-last-v12.ckpt"),
        ("{epoch:02d}-{val_loss:.2f}", "epoch=02-val_loss=0.32-EMA.ckpt"),
        ("{epoch:02d}-{val_loss:.2f}", "02-0.32-v1.ckpt"),
        ("{epoch:02d}-{val_loss:.2f}", "02-0.32.ckpt"),
        ("{epoch:02d}-{val_loss:.2f}", "02-0.32"),
        ("{epoch:02d}-{val_loss:.2f}.ckpt", "epoch=02-val_loss=0.32-v1.ckpt"),
        ("{epoch:02d}-val_loss={val_loss:.2f}", "epoch=02-val_loss=0.32.ckpt"),
        ("best-{epoch:02d}-{val_loss:.2f}", "best-epoch=02-val_loss=0.32.ckpt"),
    ],
)
def test_lightning(text: str, name: str) -> None:
    """Names that Lightning made of a filename, inserted or not, with what it appends."""
    reading = Pattern(text).parse(name)
    assert reading.status == "ok"
    assert reading.values == {"epoch": 2, "val_loss": 0.32}


def test_lightning_with_a_slash() -> None:
    """A metric with a slash makes a folder when its name is inserted."""
    reading = Pattern("{epoch:02d}-{val/loss:.2f}").parse("/x/epoch=02-val/loss=0.32.ckpt")
    assert reading.values == {"epoch": 2, "val/loss": 0.32}


@pytest.mark.parametrize(
    "text, name",
    [
        ("w{epoch:02d}.h5", "w1.h5"),
        ("w{epoch:02d}.h5", "xw01.h5"),
        ("w{epoch:02d}.h5", "w01.h5.tmp"),
        ("w{epoch:02d}.h5", "W01.h5"),
        ("w{epoch:02d}.h5", "w001.h5"),
        ("w{v:.2f}.h5", "w0.5.h5"),
        ("w{v:.2f}.h5", "w0.512.h5"),
        ("w{e:d}.h5", "w0x1F.h5"),
        ("e{epoch:d}/w.h5", "w.h5"),
        ("e{epoch:d}/w.h5", "/e3/x/w.h5"),
        ("{epoch:02d}-{val_loss:.2f}.h5", "epoch=02-val_loss=0.32.h5"),
        ("{epoch:02d}-{val_loss:.2f}", "epoch=02-val_loss=0.32-v1.h5"),
        ("{epoch:02d}-{val_loss:.2f}", "val_loss=0.32-epoch=02.ckpt"),
    ],
)
def test_no_match(text: str, name: str) -> None:
    """A name that format would not have printed so has no reading."""
    reading = Pattern(text).parse(name)
    assert reading.status == "no-match"
    assert reading.values == {}


def in_pattern(values: dict[str, Any], pattern: Pattern) -> list[str]:
    """What each field prints, in order."""
    return [field.format(values[field.name]) for field in pattern.fields]


@settings(deadline=None)  # ambiguous names cost as much as MAX_TRIES allows
@given(printed())
@example(Printed("{epoch:02d}-{val_loss:.2f}.h5", {"epoch": 100, "val_loss": -0.0}, "100--0.00.h5"))
@example(Printed("{run}{epoch}", {"run": "a", "epoch": 12}, "a12"))
@example(Printed("{run:>5}.h5", {"run": " a"}, "    a.h5"))
def test_parse_inverts_format(case: Printed) -> None:
    """Values come back that print the same, field by field; or the name is called ambiguous."""
    if not any(not isinstance(part, str) for part in _parts(case.template)):
        return
    pattern = Pattern(case.template)
    reading = pattern.parse(case.name)
    if len(case.name) > MAX_NAME_LENGTH or any(
        len(text) > MAX_NUMBER_LENGTH for text in in_pattern(case.values, pattern)
    ):
        return
    assert reading.status in ("ok", "ambiguous")
    if reading.status == "ok":
        assert pattern.format(reading.values) == pattern.format(case.values)
        assert in_pattern(dict(reading.values), pattern) == in_pattern(case.values, pattern)


def _parts(template: str) -> tuple[object, ...]:
    has_field = "{" in template.replace("{{", "")
    return parse_template(template) if has_field else ()


@pytest.mark.parametrize(
    "path, depth, tail",
    [
        ("w.h5", 0, "w.h5"),
        ("/a/b/w.h5", 0, "w.h5"),
        ("/a/b/w.h5", 1, "b/w.h5"),
        ("a/w.h5", 1, "a/w.h5"),
        ("w.h5", 1, None),
        ("a/w.h5", 2, None),
    ],
)
def test_tail_of(path: str, depth: int, tail: str | None) -> None:
    """As many folders as are asked for, or none at all."""
    assert tail_of(path, depth) == tail


def test_missing_value() -> None:
    """Formatting says which value it lacks."""
    with pytest.raises(KeyError, match="val_loss"):
        Pattern("{epoch:d}-{val_loss:.2f}").format({"epoch": 1})
