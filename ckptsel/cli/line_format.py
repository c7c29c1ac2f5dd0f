"""`--format`: one line of text from one checkpoint's fields."""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING

from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckptsel.checkpoint import Value


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


def fill(template: Template, get: Callable[[str], Value | None]) -> str:
    """Write the fields into the template; one that is not there is left empty.

    A field is looked up by its whole name and nothing is looked up in its value, so a
    template cannot reach into the program as it could through `str.format`.

    Args:
        template: the template.
        get: finds a field's value.

    Raises:
        UsageError: a value does not take the format.
    """
    line = []
    for literal, field, spec in template.parts:
        line.append(literal)
        if field is None:
            continue
        value = get(field)
        if value is None:
            continue
        try:
            line.append(format(value, spec))
        except ValueError as error:
            raise UsageError(f"--format {template.text!r}: {field}: {error}") from None
    return "".join(line)
