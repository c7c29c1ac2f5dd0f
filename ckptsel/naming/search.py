"""Every way to read a text as literals and fields, by trying; and how much is tried."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from ckptsel.naming.fields import Field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.checkpoint import Value
    from ckptsel.naming.template import Part

# File systems allow 255 bytes a name, so more is no file's; and it bounds the work below.
MAX_NAME_LENGTH = 1024
# The search goes as deep as there are parts; Python allows 1000 calls within each other.
MAX_PARTS = 200
# How many texts are tried before a name counts as undecidable.
MAX_TRIES = 50_000

# One reading: for each field in turn its text and its value.
Found: TypeAlias = "tuple[tuple[str, Value], ...]"


class TooManyTriesError(Exception):
    """The budget of one name is spent."""


class Search:
    """All readings of one text, depth first; a dead end is not entered twice."""

    def __init__(self, parts: Sequence[Part], text: str) -> None:
        self.parts = parts
        self.text = text
        self.dead: set[tuple[int, int]] = set()
        self.tries = 0
        self.furthest = 0
        names = [part.name for part in parts if isinstance(part, Field)]
        self.repeats = len(set(names)) < len(names)

    def readings(self) -> Iterator[Found]:
        """Every reading, with repeated fields agreeing on one value."""
        fields = [part for part in self.parts if isinstance(part, Field)]
        for reading in self._from(0, 0):
            if not self.repeats:
                yield reading
            elif (agreed := _agree(fields, reading)) is not None:
                yield agreed

    def _from(self, index: int, start: int) -> Iterator[Found]:
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
        fits = False
        for end in range(start, longest + 1):
            if isinstance(following, str) and not self.text.startswith(following, end):
                continue
            fits = True
            self._count()
            yield end
        if not fits and not part.is_text:
            # For whoever asks where name and pattern part: the number itself could be read.
            ends = range(longest, start, -1)
            self.furthest = max(
                self.furthest,
                next((end for end in ends if part.readings(self.text[start:end])), start),
            )

    def _count(self) -> None:
        self.tries += 1
        if self.tries > MAX_TRIES:
            raise TooManyTriesError


def _agree(fields: list[Field], reading: Found) -> Found | None:
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
