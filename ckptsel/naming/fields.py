"""One replacement field of a pattern: which values could have printed this text?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ckptsel.naming.vocabulary import is_number_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.checkpoint import Value

# The format specification mini-language, as documented for str.format.
SPEC = re.compile(
    r"""
    (?:(?P<fill>.)?(?P<align>[<>=^]))?
    (?P<sign>[-+ ])?
    (?P<z>z)?
    (?P<alt>\#)?
    (?P<zero>0)?
    (?P<width>\d+)?
    (?P<grouping>[,_])?
    (?:\.(?P<precision>\d+))?
    (?P<type>[bcdeEfFgGnosxX%])?
    """,
    re.VERBOSE | re.DOTALL,
)

# printf-style conversion, as documented for the % operator on str.
PERCENT_SPEC = re.compile(
    r"(?P<flags>[#0\- +]*)(?P<width>\d+)?(?:\.(?P<precision>\d*))?[hlL]?"
    r"(?P<type>[diouxXeEfFgGcrsa])"
)

# No double prints longer than this, thousands apart; more digits are noise, not a value.
MAX_NUMBER_LENGTH = 500

_BASES = {"b": 2, "o": 8, "x": 16, "X": 16}


@dataclass(frozen=True)
class Field:
    """A replacement field.

    Attributes:
        name: as it stands in the pattern; a number for a positional field.
        spec: its format specification, or its printf conversion without the `%`.
        conversion: `r`, `s`, `a` or "".
        style: whether `format` or the `%` operator prints it.
        numeric: whether only numbers can be its values.
    """

    name: str
    spec: str = ""
    conversion: str = ""
    style: Literal["format", "percent"] = "format"
    numeric: bool = False

    @cached_property
    def _parts(self) -> dict[str, str]:
        grammar = SPEC if self.style == "format" else PERCENT_SPEC
        match = grammar.fullmatch(self.spec)
        return {k: v or "" for k, v in match.groupdict().items()} if match else {}

    @property
    def type(self) -> str:
        """The presentation type, "" if none is given."""
        return self._parts["type"]

    @property
    def is_exact(self) -> bool:
        """Whether it prints numbers as they are, rather than rounded."""
        return self.type in ("", "d", "i", "u", "s", "r") and not self._parts["precision"]

    @cached_property
    def is_text(self) -> bool:
        """Whether a text could be the value: no number type, and no metric's name."""
        if self.conversion or self.type in ("s", "r", "a", "c"):
            return not self.numeric
        return not self.type and not self.numeric and not is_number_name(self.name)

    @cached_property
    def _alphabet(self) -> re.Pattern[str]:
        """What its text can consist of: generous, since `readings` decides."""
        if self.is_text:
            return re.compile(r"[^/]*")
        fill = self._parts.get("fill", "")
        letters = "a-zA-Z" if self.type in ("x", "X", "b", "o") else "infatyeINFATYE"
        return re.compile(rf"[0-9{letters}+\-.,_% {re.escape(fill)}]{{0,{MAX_NUMBER_LENGTH}}}")

    def longest(self, text: str, start: int) -> int:
        """The end of the longest text that could be this field's, from `start` on."""
        match = self._alphabet.match(text, start)
        return match.end() if match else start

    def format(self, value: Value) -> str:
        """The text that training code would have written.

        Raises:
            ValueError, TypeError, OverflowError: if the field cannot print this value.
        """
        if self.style == "percent":
            return ("%" + self.spec) % (value,)
        if self.conversion == "s":
            return format(str(value), self.spec)
        if self.conversion:
            return format(repr(value) if self.conversion == "r" else ascii(value), self.spec)
        return format(value, self.spec)

    def prints(self, value: Value, text: str) -> bool:
        """Whether the value is printed as exactly this text."""
        try:
            return self.format(value) == text
        except (ValueError, TypeError, OverflowError):
            return False

    def readings(self, text: str) -> list[Value]:
        """The values that print as this text: none, the one, or the first two of several."""
        found: list[Value] = []
        for core in self._cores(text):
            for value in self._values(core):
                if self.prints(value, text):
                    if not any(_same(value, other) for other in found):
                        found.append(value)
                    break  # 5 and 5.0 are one reading
            if len(found) > 1:
                break
        return found

    def candidates(self, text: str) -> Iterator[Value]:
        """All that could print as this text, however it is padded; not all of it does."""
        for core in self._cores(text):
            yield from self._values(core)

    def _cores(self, text: str) -> Iterator[str]:
        """The text without its padding; several where padding and value look alike."""
        yield text
        parts = self._parts
        fill = parts.get("fill") or " "
        align = parts.get("align") or ""
        if parts.get("zero") and not parts.get("fill"):
            fill = "0"
        if self.style == "percent":
            fill, align = ("0" if "0" in parts["flags"] else " "), "^"
        left = 0 if align == "<" else len(text) - len(text.lstrip(fill))
        right = 0 if align in (">", "=") else len(text) - len(text.rstrip(fill))
        for i in range(left + 1):
            for j in range(right + 1 if i < len(text) else 1):
                if i or j:
                    yield text[i : len(text) - j]
        # Numeric alignment pads between the sign and the digits.
        if len(text) > 1 and text[0] in "+- " and text[1] == fill and align in ("=", ""):
            yield text[0] + text[1:].lstrip(fill)

    def _values(self, core: str) -> Iterator[Value]:
        if self.is_text:
            yield from _text_values(core, self.conversion or self.type)
            return
        if len(core) > MAX_NUMBER_LENGTH:
            return
        plain = core.replace(",", "").replace("_", "").strip()
        whole = self.type in ("", "d", "i", "u", "n", *_BASES)
        if whole and (number := _integer(plain, _BASES.get(self.type, 10))) is not None:
            yield number
        if self.type == "%":
            # 69.5% is 69.5e-2: rounded once, where a division would round twice. And nan is nan.
            plain = re.sub(r"(?<![a-z])%$", "e-2", plain).rstrip("%")
        if (not whole or self.type in ("", "n")) and (decimal := _decimal(plain)) is not None:
            yield decimal


def _integer(text: str, base: int) -> int | None:
    try:
        return int(text, base)  # takes the prefix of `#x` as well
    except ValueError:
        return None


def _decimal(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _text_values(core: str, kind: str) -> Iterator[Value]:
    """A number if it prints so, else the text itself; for `!r`, what the literal means."""
    number = _decimal(core)
    if number is not None and len(core) <= MAX_NUMBER_LENGTH:
        if core.lstrip("-").isdecimal():
            yield int(core)
        yield number
    if kind not in ("r", "a"):
        yield core
    elif core[:1] in ("'", '"'):
        from ast import literal_eval  # noqa: PLC0415 - rarely needed, and slow to load

        try:
            value = literal_eval(core)
        except (ValueError, SyntaxError):
            return
        if isinstance(value, str):
            yield value


def _same(one: Value, other: Value) -> bool:
    """Equality under which nan is itself, and 0.0 is not -0.0."""
    return repr(one) == repr(other)
