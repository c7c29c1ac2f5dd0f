"""A pattern's text into literals and fields, with a caret under what is wrong."""

from __future__ import annotations

import re
from typing import TypeAlias

from ckptsel.errors import PatternError
from ckptsel.naming.fields import PERCENT_SPEC, SPEC, Field

Part: TypeAlias = "str | Field"

_PERCENT = re.compile(rf"%(?:%|(?:\((?P<name>[^)]*)\))?(?P<spec>{PERCENT_SPEC.pattern}))")


def parse_template(text: str) -> tuple[Part, ...]:
    """Split a `str.format` template, or a printf-style one if it has no brace.

    Returns:
        Literals and fields in turn; neighbouring literals are joined.

    Raises:
        PatternError: with the place of the fault.
    """
    if "{" not in text and "}" not in text and "%" in text:
        parts = _parse_percent(text)
    else:
        parts = _parse_format(text)
    if not any(isinstance(part, Field) for part in parts):
        raise PatternError(
            "the pattern has no field that could hold a value",
            text,
            (0, len(text)),
            hint="write it as in the training code: 'weights.{epoch:02d}-{val_loss:.4f}.h5'",
        )
    return parts


def _parse_format(text: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    literal = ""
    position = numbered = 0
    while position < len(text):
        char = text[position]
        if text.startswith(("{{", "}}"), position):
            literal += char
            position += 2
        elif char == "}":
            raise PatternError(
                "a '}' without its '{'",
                text,
                (position, position + 1),
                hint="a literal brace is written twice: '}}'",
            )
        elif char == "{":
            end = _closing_brace(text, position)
            field = _field(text, position + 1, end, numbered)
            numbered += text[position + 1] in "!:}"
            parts += [literal, field] if literal else [field]
            literal = ""
            position = end + 1
        else:
            literal += char
            position += 1
    return (*parts, literal) if literal else tuple(parts)


def _closing_brace(text: str, start: int) -> int:
    """The index of the '}' that ends the field opened at `start`."""
    end = text.find("}", start)
    inner = text.find("{", start + 1)
    if end < 0:
        raise PatternError(
            "a '{' that is never closed",
            text,
            (start, start + 1),
            hint="close the field with '}', or write '{{' for a literal brace",
        )
    if 0 <= inner < end and text[start:inner].endswith(":"):
        raise PatternError(
            "a field within a format specification",
            text,
            (inner, end + 1),
            hint="write out the width or precision that stands there: a name does not tell it",
        )
    if 0 <= inner < end:
        meant = text[:inner].rstrip("-_.:, ")
        cut = text[len(meant) : inner]
        following = re.sub(r"\}\}", "}", text[inner:], count=1)
        raise PatternError(
            "a '{' inside a field: the field before it is not closed",
            text,
            (inner, inner + 1),
            hint=f"did you mean {meant + '}' + cut + following!r}?",
        )
    return end


def _field(text: str, start: int, end: int, numbered: int) -> Field:
    inside = text[start:end]
    # A name may hold brackets with anything in them, as in {logs["a:b"]}.
    match = re.match(r"(?P<name>(?:[^\[:!]|\[[^\]]*\])*)(?:!(?P<conv>[^:]*))?(?::(?P<spec>.*))?$",
                     inside, re.DOTALL)  # fmt: skip
    if match is None:
        raise PatternError("a field that cannot be read", text, (start, end))
    name, conversion, spec = match["name"], match["conv"], match["spec"] or ""
    if conversion is not None and conversion not in ("r", "s", "a"):
        raise PatternError(
            f"{'!' + conversion!r} is no conversion: there are !r, !s and !a",
            text,
            (start + match.start("conv") - 1, start + match.end("conv")),
        )
    if not SPEC.fullmatch(spec):
        fault = start + match.start("spec")
        raise PatternError(
            f"{spec!r} is no format specification", text, (fault, end), hint=_spec_hint(spec)
        )
    return Field(name or str(numbered), spec, conversion or "")


def _spec_hint(spec: str) -> str:
    if spec.strip() != spec and SPEC.fullmatch(spec.strip()):
        return f"without the spaces: {spec.strip()!r}"
    head = re.match(r"[\d.]*[a-zA-Z%]?", spec.lstrip("%"))
    if head and head.group() and SPEC.fullmatch(head.group()):
        return f"did you mean {head.group()!r}?"
    return "it is written as for str.format: '02d', '.4f', '.2e', '.1%'"


def _parse_percent(text: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    literal = ""
    position = numbered = 0
    while (at := text.find("%", position)) >= 0:
        literal += text[position:at]
        match = _PERCENT.match(text, at)
        if match is None:
            raise PatternError(
                "a '%' that begins no conversion",
                text,
                (at, at + 1),
                hint="a literal percent sign is written twice: '%%'",
            )
        position = match.end()
        if match.group() == "%%":
            literal += "%"
            continue
        name = match["name"]
        if name is None:
            name, numbered = str(numbered), numbered + 1
        parts += [literal] if literal else []
        parts.append(Field(name, match["spec"], style="percent"))
        literal = ""
    literal += text[position:]
    return (*parts, literal) if literal else tuple(parts)
