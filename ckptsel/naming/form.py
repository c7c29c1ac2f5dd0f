"""One concrete shape of a name: literals and fields, read by trying and printing back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.naming.fields import Field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Value
    from ckptsel.naming.template import Part

Status: TypeAlias = Literal["ok", "ambiguous", "no-match"]

# File systems allow 255 bytes a name, so more is no file's; and it bounds the work below.
MAX_NAME_LENGTH = 1024
# The search goes as deep as there are parts; Python allows 1000 calls within each other.
MAX_PARTS = 200
# How many texts are tried before a name counts as undecidable.
MAX_TRIES = 50_000

# One reading: for each field in turn its text and its value.
_Reading: TypeAlias = "tuple[tuple[str, Value], ...]"


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


class TooManyTriesError(Exception):
    """The budget of one name is spent."""


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
    def _start(self) -> str:
        return first if isinstance(first := self.parts[0], str) else ""

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
        if not text.startswith(self._start):
            return NO_MATCH
        if self.tail:
            match = re.search(self.tail + r"\Z", text)
            if match is None:
                return NO_MATCH
            text = text[: match.start()]
        readings: list[_Reading] = []
        search = _Search(self.parts, text)
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

    def _values(self, reading: _Reading) -> dict[str, Value]:
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


class _Search:
    """All readings of one text, depth first; a dead end is not entered twice."""

    def __init__(self, parts: Sequence[Part], text: str) -> None:
        self.parts = parts
        self.text = text
        self.dead: set[tuple[int, int]] = set()
        self.tries = 0
        self.furthest = 0
        names = [part.name for part in parts if isinstance(part, Field)]
        self.repeats = len(set(names)) < len(names)

    def readings(self) -> Iterator[_Reading]:
        """Every reading, with repeated fields agreeing on one value."""
        fields = [part for part in self.parts if isinstance(part, Field)]
        for reading in self._from(0, 0):
            if not self.repeats:
                yield reading
            elif (agreed := _agree(fields, reading)) is not None:
                yield agreed

    def _from(self, index: int, start: int) -> Iterator[_Reading]:
        self.furthest = max(self.furthest, start)
        if index == len(self.parts):
            if start == len(self.text):
                yield ()
            return
        if (index, start) in self.dead:
            return
        found = False
        part = self.parts[index]
        if isinstance(part, str):
            if self.text.startswith(part, start):
                for rest in self._from(index + 1, start + len(part)):
                    found = True
                    yield rest
        else:
            for end in self._ends(part, index, start):
                values = part.readings(self.text[start:end])
                for rest in self._from(index + 1, end) if values else ():
                    for value in values:
                        found = True
                        yield ((self.text[start:end], value), *rest)
        if not found:
            self.dead.add((index, start))

    def _ends(self, part: Field, index: int, start: int) -> Iterator[int]:
        """Where a field's text could end: where what follows it could begin."""
        longest = part.longest(self.text, start)
        following = self.parts[index + 1] if index + 1 < len(self.parts) else None
        if following is None:
            self._count()
            if longest == len(self.text):
                yield longest
            return
        for end in range(start, longest + 1):
            if isinstance(following, str) and not self.text.startswith(following, end):
                continue
            self._count()
            yield end

    def _count(self) -> None:
        self.tries += 1
        if self.tries > MAX_TRIES:
            raise TooManyTriesError


def _agree(fields: list[Field], reading: _Reading) -> _Reading | None:
    """One value for each name, if there is one that prints as every text of that name.

    `{v:.2f}…{v:.4f}` on 0.35 and 0.3512: the second value prints as both. Where each text has
    lost something else, the middle of what both allow is tried.
    """
    chosen: dict[str, Value] = {}
    for name in {f.name for f in fields}:
        places = [(f, *read) for f, read in zip(fields, reading, strict=True) if f.name == name]
        texts = [text for _, text, _ in places]
        for value in chain(
            (value for _, _, value in places),
            _middles(texts),
            # What a place alone says first may be padding: `0    ` is printed by the text `0`.
            *(f.candidates(text) for f, text, _ in places),
        ):
            if all(f.prints(value, text) for f, text, _ in places):
                chosen[name] = value
                break
        else:
            return None
    return tuple((text, chosen[f.name]) for f, (text, _) in zip(fields, reading, strict=True))


def _middles(texts: list[str]) -> list[Value]:
    """The middle of the numbers that round to each of the texts."""
    from fractions import Fraction  # noqa: PLC0415 - rarely needed, and slow to load

    low, high = Fraction(-(10**400)), Fraction(10**400)
    for text in texts:
        match = re.fullmatch(r"\s*([+-]?\d+)(?:\.(\d*))?(?:[eE]([+-]\d+))?(%?)\s*", text)
        if match is None:
            return []
        decimals = match[2] or ""
        exponent = int(match[3] or 0) - len(decimals) - (2 if match[4] else 0)
        if abs(exponent) > MAX_NAME_LENGTH:
            return []
        unit = Fraction(10) ** exponent
        middle = int(match[1] + decimals) * unit
        low, high = max(low, middle - unit / 2), min(high, middle + unit / 2)
    return [float((low + high) / 2)] if low <= high and len(texts) > 1 else []
