"""`--format`: one line of text from one checkpoint's fields."""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any

from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was taken apart.

    Attributes:
        text: as it was given.
        parts: literal text with the field's name and format that follow it; None at the end.
    """

    text: str
    parts: tuple[tuple[str, str | None, str], ...]


def parse_template(text: str) -> Template:
    """Take a template apart.

    Raises:
        UsageError: it is no template, or asks for more than a field and its format.
    """
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise UsageError(f"--format {text!r}: {error}") from None
    for _, field, spec, conversion in parts:
        if conversion or "{" in (spec or ""):
            raise UsageError(
                f"--format {text!r}: {field!r} can have a format, such as "
                "{val_loss:.4f}, and nothing else"
            )
    return Template(text, tuple((literal, field, spec or "") for literal, field, spec, _ in parts))


def fill(template: Template, fields: Mapping[str, Any], known: Iterable[str]) -> str:
    """Write the fields into the template; one that is known but not there is left empty.

    A field is looked up by its whole name and nothing is looked up in its value, so a
    template cannot reach into the program as it could through `str.format`.

    Raises:
        UsageError: no checkpoint has such a field, or its value does not take the format.
    """
    line = []
    for literal, field, spec in template.parts:
        line.append(literal)
        if field is None:
            continue
        if field not in fields and field not in known:
            raise UsageError(
                f"--format {template.text!r}: there is no field {field!r}",
                hint="the fields are " + ", ".join(known),
            )
        value = fields.get(field)
        if value is None:
            continue
        try:
            line.append(format(value, spec))
        except ValueError as error:
            raise UsageError(f"--format {template.text!r}: {field}: {error}") from None
    return "".join(line)
