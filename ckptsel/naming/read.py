"""Reads many names: by given patterns, or by those that it learns from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Metric
from ckptsel.naming.form import Form, Reading
from ckptsel.naming.pattern import Pattern, tail_of
from ckptsel.naming.vocabulary import role_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckptsel.checkpoint import Role, Value


# A number without a label that has as many digits counts steps.
_STEP_DIGITS = 6


@dataclass(slots=True)
class Table:
    """Names that one form of a pattern reads.

    Attributes:
        pattern: the pattern.
        form: the one of its forms that reads the names.
        names: the names.
        columns: for each field the texts in the order of the names, where `form.quick` read
            them; empty otherwise.
        readings: for each name its reading, where `form.parse` read them; empty otherwise.
    """

    pattern: Pattern
    form: Form
    names: list[str]
    columns: list[tuple[str, ...]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    _first: tuple[Metric, ...] = ()

    def reading(self, row: int) -> Reading:
        """What was read from one of the names."""
        if self.readings:
            return self.readings[row]
        return self.form.reading_of([column[row] for column in self.columns])

    def metrics(self, row: int) -> tuple[Metric, ...]:
        """Everything that was read from one of the names, as metrics."""
        if row:
            return metrics_of(self.reading(row))
        # The first name is asked again and again for what the table holds.
        if not self._first:
            self._first = metrics_of(self.reading(0))
        return self._first

    def called(self, names: Mapping[str, str]) -> Table:
        """The same names, with other names for some of the fields."""
        parts = tuple(
            part if isinstance(part, str) else replace(part, name=names.get(part.name, part.name))
            for part in self.form.parts
        )
        readings = [
            replace(
                reading,
                values={names.get(key, key): value for key, value in reading.values.items()},
                texts={names.get(key, key): text for key, text in reading.texts.items()},
            )
            for reading in self.readings
        ]
        return Table(self.pattern, Form(parts, self.form.tail), self.names, self.columns, readings)

    def numbers(self, name: str) -> list[float]:
        """One field's values, in the order of the names; NaN where there is no number."""
        if self.readings:
            return [as_number(reading.values[name]) for reading in self.readings]
        index = next(i for i, f in enumerate(self.form.fields) if f.name == name)
        return list(map(float, self.columns[index]))


@dataclass(slots=True)
class Reader:
    """Reads the names of one folder after the other.

    Attributes:
        given: the patterns that were given; empty to learn them.
        learned: those learned so far; they are tried first in the next folder.
    """

    given: tuple[Pattern, ...] = ()
    learned: list[Pattern] = field(default_factory=list)

    @property
    def patterns(self) -> Sequence[Pattern]:
        """The patterns in use, in the order in which they are tried."""
        return self.given or self.learned

    def read(self, folder: str, names: Sequence[str]) -> tuple[list[Table], dict[str, Reading]]:
        """Read the names of one folder by the given patterns, or learn from siblings.

        Args:
            folder: its absolute path, for patterns that speak of folders.
            names: the names; one may begin with folders below `folder`.

        Returns:
            The tables; and for each name that was not read, why.
        """
        unread = dict.fromkeys(names, Reading("no-match"))
        tables = self.apply(folder, unread)
        if unread and not self.given:
            tables += self.learn(folder, unread, alone=False)
        return tables, unread

    def apply(self, folder: str, unread: dict[str, Reading]) -> list[Table]:
        """Take from `unread` the names that the known patterns read.

        Not those that were refused: a learned pattern may read them, in one of the ways.
        """
        refused = () if self.given else [*unread.items()]
        doubtful = {name: why for name, why in refused if why.status == "ambiguous"}
        for name in doubtful:
            del unread[name]
        tables = [table for p in self.patterns if unread for table in _apply(p, folder, unread)]
        unread |= doubtful
        return tables

    def learn(self, folder: str, unread: dict[str, Reading], *, alone: bool) -> list[Table]:
        """Learn patterns from the names in `unread`, and take those that they read."""
        # A given pattern needs none of this, and it takes time to load.
        from ckptsel.naming.infer import learn  # noqa: PLC0415

        new, refused = learn(sorted(unread), alone=alone)
        self.learned += new
        # A pattern of the others may read what was refused, and it was refused for that.
        doubtful = {name: Reading("ambiguous", reason=reason) for name, reason in refused.items()}
        for name in doubtful:
            del unread[name]
        tables = [table for p in new if unread for table in _apply(p, folder, unread)]
        unread |= doubtful
        return tables


def as_number(value: Value) -> float:
    """A value as a number; a text such as `0.50`, in an untyped field, may be one; else NaN."""
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _apply(pattern: Pattern, folder: str, unread: dict[str, Reading]) -> list[Table]:
    """Take from `unread` the names that one pattern reads; note why it does not read others."""
    tables: list[Table] = []
    for form in pattern.forms:
        names = list(unread)
        lines = _lines(folder, names, form.depth)
        columns, left = _quickly(form, lines)
        if columns:
            taken = (
                names
                if not left
                else [n for n, line in zip(names, lines, strict=True) if line not in left]
            )
            tables.append(Table(pattern, form, taken, columns))
            if not left:
                unread.clear()
                break
            for name in taken:
                del unread[name]
        slow = Table(pattern, form, [])
        for name, line in zip(names, lines, strict=True):
            if line is None or line not in left:
                continue
            # How far a given pattern got is said; of those that were learned nobody asks.
            if pattern.is_learned and not form.could_read(line):
                continue
            reading = form.parse(line)
            if reading.status == "ok":
                slow.names.append(name)
                slow.readings.append(reading)
                del unread[name]
            elif reading.status == "ambiguous" or reading.furthest > unread[name].furthest:
                unread[name] = reading
        if slow.names:
            tables.append(slow)
    return tables


def _lines(folder: str, names: list[str], depth: int) -> list[str | None]:
    """The names with as many folders before them as a form speaks of; None if it has fewer."""
    if depth == 0 and "/" not in "".join(names):
        return [*names]
    return [tail_of(f"{folder}/{name}", depth) for name in names]


def _quickly(form: Form, lines: list[str | None]) -> tuple[list[tuple[str, ...]], set[str | None]]:
    """Read all lines in one go: the columns of those that match, and the lines that do not."""
    if form.quick is None or None in lines:
        return [], set(lines)
    text = "\n".join(lines)  # type: ignore[arg-type]
    if text.count("\n") != len(lines) - 1:
        return [], set(lines)  # a name holds a newline: the lines would be no names
    rows = form.quick.findall(text)
    if not rows:
        return [], set(lines)
    taken, *columns = zip(*rows, strict=True)
    return columns, set(lines).difference(taken) if len(rows) < len(lines) else set()


def metrics_of(reading: Reading) -> tuple[Metric, ...]:
    """The metrics of one name."""
    roles = {name: _role(name, value) for name, value in reading.values.items()}
    if not {"epoch", "step"} & set(roles.values()):
        # ModelCheckpoint's own habit: the first number without a label is the epoch.
        for name, value in reading.values.items():
            if name.isdigit() and isinstance(value, int):
                # detectron2's model_0004999.pth, and what nobody trains so many epochs for.
                roles[name] = "epoch" if len(reading.texts[name]) < _STEP_DIGITS else "step"
                break
    return tuple(
        Metric(name, value, reading.texts[name], roles[name], labelled=not name.isdigit())
        for name, value in reading.values.items()
    )


def _role(name: str, value: Value) -> Role:
    if isinstance(value, str):
        return "text"
    if name.isdigit():
        return "setting" if isinstance(value, int) else "metric"
    return role_of(name)
