"""One shape: the quick way reads what the careful way reads, and work is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.naming.fields import MAX_NUMBER_LENGTH, Field
from ckptsel.naming.form import Form
from ckptsel.naming.search import MAX_NAME_LENGTH, MAX_PARTS
from ckptsel.naming.template import parse_template

LITERALS = st.text("ae01-_.=/%", max_size=3) | st.sampled_from(["-", "_", ".", "-0.", "e-", ""])
SPECS = st.sampled_from(["d", "00d", "01d", "02d", "03d", "05d", ".1f", ".2f", ".4f", ".9f"])


def form(template: str) -> Form:
    """The plain form of a template."""
    return Form(parse_template(template))


@st.composite
def simple_forms(draw: st.DrawFn) -> Form:
    """Forms of the simple kind, of which most have a quick expression."""
    parts: list[str | Field] = []
    for index in range(draw(st.integers(1, 4))):
        parts += [part] if (part := draw(LITERALS)) else []
        parts.append(Field(f"f{index}", draw(SPECS)))
    parts += [part] if (part := draw(LITERALS)) else []
    return Form(tuple(parts))


@given(simple_forms(), st.data())
def test_quick_is_right(form: Form, data: st.DataObject) -> None:
    """A name that the quick expression matches has exactly one reading, with the same texts."""
    if form.quick is None:
        return
    name = data.draw(st.from_regex(form.quick, fullmatch=True), "name")
    match = form.quick.fullmatch(name)
    assert match is not None
    texts = match.groups()[1:]
    careful = form.parse(name)
    assert careful.status == "ok"
    assert tuple(careful.texts[f.name] for f in form.fields) == texts
    quickly = form.reading_of(texts)
    assert quickly.texts == careful.texts
    assert repr(quickly.values) == repr(careful.values)


@given(simple_forms(), st.text("0123456789.-e_=", max_size=12))
def test_quick_is_right_on_any_name(form: Form, name: str) -> None:
    """What the quick expression takes of a name nobody formatted is no other reading either."""
    match = form.quick.fullmatch(name) if form.quick else None
    if match:
        careful = form.parse(name)
        assert careful.status == "ok"
        assert tuple(careful.texts.values()) == match.groups()[1:]


@pytest.mark.parametrize(
    "template, is_simple",
    [
        ("w.{epoch:02d}-{val_loss:.4f}.h5", True),
        ("{epoch:d}.{val_loss:.2f}", True),
        ("{epoch:02d}{val_loss:.2f}", False),
        ("{epoch:02d}0{val_loss:.2f}", False),
        ("{epoch:02d}-{epoch:02d}", False),
        ("{epoch}-{val_loss:.2f}", False),
        ("{epoch:d}-{val_loss:.2e}", False),
        ("{epoch!r}", False),
        ("{epoch:d}\n{val_loss:.2f}", False),
        ("%(epoch)02d-%(val_loss).2f", False),
    ],
)
def test_which_forms_are_quick(template: str, is_simple: bool) -> None:
    """Only where each field's text ends by itself is there a quick expression."""
    assert (form(template).quick is not None) is is_simple


def test_quick_finds_lines() -> None:
    """It is applied to all names at once, a line each."""
    quick = form("w.{epoch:02d}-{val_loss:.2f}.h5").quick
    assert quick is not None
    lines = "w.01-0.50.h5\nxw.02-0.50.h5\nw.100--0.50.h5\nw.3-0.50.h5\nw.04-0.5.h5"
    assert quick.findall(lines) == [
        ("w.01-0.50.h5", "01", "0.50"),
        ("w.100--0.50.h5", "100", "-0.50"),
    ]


@pytest.mark.parametrize(
    "template, name, other",
    [
        ("{a}-{b}", "x-y-z", {"a": "x-y", "b": "z"}),
        ("{epoch:d}{step:d}", "123", {"epoch": 12, "step": 3}),
        ("{epoch}{val_loss}", "123.5", {"epoch": 12, "val_loss": 3.5}),
        ("{v:>5}", "    x", {"v": "   x"}),
    ],
)
def test_ambiguous(template: str, name: str, other: dict[str, object]) -> None:
    """Two values that print as one name are both shown, and neither is taken."""
    shape = form(template)
    reading = shape.parse(name)
    assert reading.status == "ambiguous"
    assert shape.format(reading.values) == name
    if all(isinstance(value, (int, float)) for value in other.values()):
        assert shape.format(reading.other) == name
    assert reading.values != reading.other


@pytest.mark.parametrize(
    "template, name, values",
    [
        ("{e:d}-{e:03d}", "5-005", {"e": 5}),
        ("{v:.2f}-{v:.4f}", "0.35-0.3512", {"v": 0.3512}),
        ("{v:.4f}-{v:.2f}", "0.3512-0.35", {"v": 0.3512}),
        ("{v:.1%}_{v:.2f}", "35.1%_0.35", {"v": 0.351}),
        ("{run}/{run}.h5", "a/a.h5", {"run": "a"}),
    ],
)
def test_the_same_field_twice(template: str, name: str, values: dict[str, object]) -> None:
    """Its texts agree on one value, the more precise one."""
    reading = form(template).parse(name)
    assert reading.status == "ok"
    assert reading.values == values


@pytest.mark.parametrize(
    "template, name",
    [
        ("{e:d}-{e:03d}", "5-006"),
        ("{v:.2f}-{v:.4f}", "0.35-0.3612"),
        ("{run}/{run}.h5", "a/b.h5"),
    ],
)
def test_the_same_field_twice_in_disagreement(template: str, name: str) -> None:
    """A name that says two things under one field was not made from the pattern."""
    assert form(template).parse(name).status == "no-match"


@pytest.mark.parametrize("length", [MAX_NAME_LENGTH + 1, 10_000, 1_000_000])
@pytest.mark.parametrize("template", ["{epoch:d}", "{val_loss:.2f}", "{run}", "{a}{b}{c}{d}x"])
def test_long_names(template: str, length: int) -> None:
    """A name longer than any file's is not read at all, and the reason is said."""
    reading = form(template).parse("1" * length)
    assert reading.status == "no-match"
    assert reading.reason == f"longer than {MAX_NAME_LENGTH} characters"


def test_long_numbers() -> None:
    """A run of digits that no double prints is no value."""
    assert form("{epoch:d}").parse("1" * MAX_NUMBER_LENGTH).status == "ok"
    assert form("{epoch:d}").parse("1" * (MAX_NUMBER_LENGTH + 1)).status == "no-match"


def test_many_parts() -> None:
    """A pattern with more parts than Python could follow is not tried."""
    reading = form("{epoch:d}-" * 500).parse("1-" * 500)
    assert (reading.status, reading.reason) == (
        "no-match",
        f"the pattern has more than {MAX_PARTS} parts",
    )
    most = MAX_PARTS // 2
    assert form("{epoch:d}-" * most).parse("1-" * most).values == {"epoch": 1}


@pytest.mark.parametrize(
    "name, furthest",
    [("w.01-0.50.h5", 0), ("model.x1", 6), ("model.01-x", 9), ("model.01-0.50.pt", 13)],
)
def test_furthest(name: str, furthest: int) -> None:
    """A name without reading tells how far one could get."""
    reading = form("model.{epoch:02d}-{val_loss:.2f}.h5").parse(name)
    assert reading.status == "no-match"
    assert reading.furthest == furthest


@pytest.mark.parametrize(
    "tail, name, status",
    [
        (r"(?:-v\d+)?\.ckpt", "epoch=3-v1.ckpt", "ok"),
        (r"(?:-v\d+)?\.ckpt", "epoch=3.ckpt", "ok"),
        (r"(?:-v\d+)?\.ckpt", "epoch=3", "no-match"),
        (r"(?:-v\d+)?\.ckpt", "epoch=3-v1.pt", "no-match"),
    ],
)
def test_tail(tail: str, name: str, status: str) -> None:
    """What a framework appends is no part of the last field."""
    shape = Form(parse_template("epoch={epoch:d}"), tail)
    assert shape.parse(name).status == status
    assert shape.quick is None


@given(simple_forms(), st.text("0123456789.-e_=", max_size=12))
def test_could_read(form: Form, name: str) -> None:
    """What has a reading is never ruled out beforehand."""
    if form.parse(name).status != "no-match":
        assert form.could_read(name)


@pytest.mark.parametrize(
    "template, name, could",
    [
        ("a{epoch:d}-{val_loss:.2f}.h5", "a1-x.h5", True),
        ("a{epoch:d}-{val_loss:.2f}.h5", "xa1-0.50.h5", False),
        ("a{epoch:d}-{val_loss:.2f}.h5", "a1_0.50.h5", False),
        ("{epoch:d}-{val_loss:.2f}", "x-y", True),
        ("{epoch:d}-{val_loss:.2f}.h5", ".h5-", False),
        ("{epoch:d}", "x", True),
    ],
)
def test_could_read_by_literals(template: str, name: str, could: bool) -> None:
    """Literals that are missing, or stand in another order, rule a name out."""
    assert form(template).could_read(name) is could


def test_depth() -> None:
    """A form speaks of as many folders as its literals have slashes."""
    assert form("a/{run}/e{epoch:d}.h5").depth == 2
    assert form("{val/loss:.2f}").depth == 0
