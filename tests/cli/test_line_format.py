"""`--format`: one line from one checkpoint's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckptsel.cli.line_format import fill, parse_template
from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from ckptsel.checkpoint import Value

FIELDS: dict[str, Value | None] = {
    "path": "runs/a/w.keras",
    "val_loss": 0.45,
    "val/acc.top1": 0.9,
    "0": 7,
    "epoch": 5,
    "step": None,
    "kind": "keras",
}


def filled(template: str) -> str:
    """The template with FIELDS in it."""
    return fill(parse_template(template), FIELDS.__getitem__)


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


@pytest.mark.parametrize(
    "template, words",
    [
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


@pytest.mark.parametrize("name", ["path.__class__", "path[0]", ""])
def test_a_field_is_asked_for_by_its_whole_name(name: str) -> None:
    """Nothing is looked up in a value."""
    with pytest.raises(KeyError) as caught:
        filled(f"{{{name}}}")
    assert caught.value.args == (name,)
