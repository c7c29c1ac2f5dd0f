"""`--format`: one line from one checkpoint's fields."""

from __future__ import annotations

import pytest

from ckptsel.cli.template import fill, parse_template
from ckptsel.errors import UsageError

FIELDS = {
    "path": "runs/a/w.keras",
    "val_loss": 0.45,
    "val/acc.top1": 0.9,
    "0": 7,
    "epoch": 5,
    "step": None,
    "kind": "keras",
}


def filled(template: str, known: tuple[str, ...] = ()) -> str:
    """The template with FIELDS in it."""
    return fill(parse_template(template), FIELDS, [*FIELDS, *known])


@pytest.mark.parametrize(
    "template, line",
    [
        ("{path}", "runs/a/w.keras"),
        ("{path} {val_loss:.4f}", "runs/a/w.keras 0.4500"),
        ("{{{epoch:03d}}}", "{005}"),
        ("{val/acc.top1}", "0.9"),
        ("{0}", "7"),
        ("{kind:>7}|", "  keras|"),
        ("epoch", "epoch"),
        ("<{step:05d}>", "<>"),
        ("", ""),
    ],
)
def test_fill(template: str, line: str) -> None:
    """Fields are found by their whole name, and one that is not known is left empty."""
    assert filled(template) == line


def test_a_metric_that_only_others_have_is_empty() -> None:
    """A field that another checkpoint has is no mistake."""
    assert filled("<{val_auc:.2f}>", known=("val_auc",)) == "<>"


@pytest.mark.parametrize(
    "template, words",
    [
        ("{path.__class__}", "no field 'path.__class__'"),
        ("{path[0]}", r"no field 'path\[0\]'"),
        ("{vall_oss}", "no field 'vall_oss'"),
        ("{}", "no field ''"),
        ("{path!r}", "nothing else"),
        ("{val_loss:{epoch}}", "nothing else"),
        ("{", "Single '{'"),
        ("{path", "expected '}'"),
        ("}", "Single '}'"),
        ("{val_loss:d}", "val_loss: Unknown format code 'd'"),
        ("{kind:.2f}", "kind: Unknown format code 'f'"),
    ],
)
def test_refused(template: str, words: str) -> None:
    """Whatever is more than a field with a format that fits is wrong usage."""
    with pytest.raises(UsageError, match=words):
        filled(template)


def test_an_unknown_field_lists_the_known() -> None:
    """Who mistypes a field is told all of them."""
    with pytest.raises(UsageError) as caught:
        filled("{vall_oss}")
    assert caught.value.hint == (
        "the fields are path, val_loss, val/acc.top1, 0, epoch, step, kind"
    )
