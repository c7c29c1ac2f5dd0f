"""One concrete shape of a name: literals and fields, read by trying and printing back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.naming.fields import Field
from ckptsel.naming.search import MAX_NAME_LENGTH, MAX_PARTS, Search, TooManyTriesError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckptsel.checkpoint import Value
    from ckptsel.naming.search import Found
    from ckptsel.naming.template import Part

Status: TypeAlias = Literal["ok", "ambiguous", "no-match"]


@dataclass(frozen=True)
class Reading:
    """What a pattern makes of a name.

    Attributes:
        status: `ok`; `ambiguous` if several readings print as this name; or `no-match`.
        values: field name → value; for an ambiguous name those of the first reading found.
        texts: field name → the characters it was read from.
        other: for an ambiguous name, the values of another reading.
        reason: why there is no reading, where more can be said than "no match".
        furthest: how many characters of a name without reading could be read.
    """

    status: Status
    values: Mapping[str, Value] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    other: Mapping[str, Value] = field(default_factory=dict)
    reason: str = ""
    furthest: int = 0


NO_MATCH = Reading("no-match")


@dataclass(frozen=True)
class Form:
    """Literals and fields in turn, and an ending that the framework may add.

    Attributes:
        parts: literals and fields.
        tail: a regular expression for what may follow, "" for nothing.
    """

    parts: tuple[Part, ...]
    tail: str = ""

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields, in order."""
        return tuple(part for part in self.parts if isinstance(part, Field))

    @cached_property
    def _literals(self) -> tuple[str, ...]:
        return tuple(part for part in self.parts if isinstance(part, str))

    def could_read(self, text: str) -> bool:
        """Whether the literals stand in the text, in order: quick to say, and mostly decisive."""
        position = 0
        for literal in self._literals:
            found = text.find(literal, position)
            if found < 0:
                return False
            position = found + len(literal)
        return isinstance(first := self.parts[0], Field) or text.startswith(first)

    @cached_property
    def depth(self) -> int:
        """How many folders above the name the form speaks of."""
        return sum(part.count("/") for part in self.parts if isinstance(part, str))

    @cached_property
    def counting_folders(self) -> int:
        """How many of these folders, from the name upwards, hold a number's field.

        They count a run's checkpoints; a folder that is only text is the run's own.
        """
        has_number = [False]
        for part in self.parts:
            if isinstance(part, Field):
                has_number[-1] |= not part.is_text
            else:
                has_number += [False] * part.count("/")
        return next((n for n, counts in enumerate(has_number[-2::-1]) if not counts), self.depth)

    def format(self, values: Mapping[str, Value]) -> str:
        """The name that these values make; without the tail."""
        return "".join(p if isinstance(p, str) else p.format(values[p.name]) for p in self.parts)

    def parse(self, text: str) -> Reading:
        """Read a name, which has as many folders before it as the form speaks of."""
        if len(text) > MAX_NAME_LENGTH:
            return Reading("no-match", reason=f"longer than {MAX_NAME_LENGTH} characters")
        if len(self.parts) > MAX_PARTS:
            return Reading("no-match", reason=f"the pattern has more than {MAX_PARTS} parts")
        if self.tail:
            match = re.search(self.tail + r"\Z", text)
            if match is None:
                return NO_MATCH
            text = text[: match.start()]
        readings: list[Found] = []
        search = Search(self.parts, text)
        try:
            for reading in search.readings():
                readings.append(reading)
                if len(readings) > 1:
                    break
        except TooManyTriesError:
            return Reading("ambiguous", reason="more ways to read it than can be tried")
        if not readings:
            return Reading("no-match", furthest=search.furthest)
        first, *others = (self._values(reading) for reading in readings)
        return Reading(
            "ambiguous" if others else "ok",
            first,
            {f.name: t for f, (t, _) in reversed([*zip(self.fields, readings[0], strict=True)])},
            others[0] if others else {},
        )

    def reading_of(self, texts: Sequence[str]) -> Reading:
        """The reading of a name that `quick` matched, from the texts of its groups."""
        values = {f.name: f.readings(t)[0] for f, t in zip(self.fields, texts, strict=True)}
        return Reading("ok", values, dict(zip(values, texts, strict=True)))

    def _values(self, reading: Found) -> dict[str, Value]:
        return {f.name: value for f, (_, value) in zip(self.fields, reading, strict=True)}

    @cached_property
    def quick(self) -> re.Pattern[str] | None:
        """A regular expression that matches only names with exactly one reading.

        None where the form is not simple enough. What it does not match may still have a
        reading, which `parse` finds. It matches whole lines; group 1 is the line, and the
        others are the fields.
        Why one reading: each field's text ends where the next literal begins, because an
        integer is followed by no digit, and a decimal has a fixed number of them.
        """
        names = [f.name for f in self.fields]
        if self.tail or len(set(names)) < len(names):
            return None
        regex = ""
        for part, following in zip(self.parts, (*self.parts[1:], ""), strict=True):
            if isinstance(part, str):
                if "\n" in part:
                    return None  # two names, a line each, would look like one
                regex += re.escape(part)
                continue
            if isinstance(following, Field) or following[:1].isdigit():
                return None
            core = _quick_field(part)
            if core is None:
                return None
            regex += f"({core})"
        return re.compile(rf"^({regex})$", re.MULTILINE)


def _quick_field(part: Field) -> str | None:
    if part.style != "format" or part.conversion:
        return None
    if match := re.fullmatch(r"(?:0(\d+))?d", part.spec):
        width = max(1, int(match[1] or 1))
        return rf"[0-9]{{{width}}}|[1-9][0-9]{{{width},14}}" if width < 15 else None
    if (match := re.fullmatch(r"\.(\d)f", part.spec)) and match[1] != "0":
        # At most 15 digits: every one of them survives the way through a double.
        return rf"-?(?:0|[1-9][0-9]{{0,5}})\.[0-9]{{{match[1]}}}"
    return None
