"""Which row of a log belongs to which checkpoint. Pure: no file is touched.

By the file's name where the log names files; else by epoch or step, whose base is not assumed:
it is the one at which the names' printed values agree with the log.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.naming.vocabulary import canonical, role_of
from ckptsel.sources.log import Key, LogKind, LogRow, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OFFSETS = (0, 1)
"""What a name's epoch or step may count beyond that of the log's row."""

# Of rows of the same epoch in a log that restarts again and again, so many are remembered.
_CANDIDATES = 64

# A value that went through float32 has lost this much of itself.
_FLOAT32 = 1e-7


class Printed(NamedTuple):
    """A value in a name.

    Attributes:
        label: the metric, in the form of `canonical`; the number of its place (`1`) if it has no
            label. It may then be any of the log's metrics, the same one in all names.
        value: as it was read.
        half_unit: half of the last printed digit's unit; 0.0 if it is not rounded.
        text: as it stands in the name.
    """

    label: str
    value: float
    half_unit: float
    text: str

    @property
    def is_unlabelled(self) -> bool:
        """Whether the name does not say which metric it is."""
        return self.label.isdigit()


class _Candidate(NamedTuple):
    """A row that may belong to a name, and which columns its values without a label could be."""

    row: LogRow
    meanings: Mapping[str, set[str]]


class Named(NamedTuple):
    """What is known of a checkpoint without a log.

    Attributes:
        name: to speak of it.
        epoch: as the name counts it.
        step: as the name counts it.
        printed: the values in its name.
    """

    name: str
    epoch: int | None = None
    step: int | None = None
    printed: tuple[Printed, ...] = ()


class Joined(NamedTuple):
    """Which rows were joined, and how it was known.

    Attributes:
        rows: for each checkpoint its row, or None.
        key: by what they were joined.
        offset: what names count beyond the log.
        why: how that is known, in words.
        findings: what was noticed.
    """

    rows: Sequence[LogRow | None]
    key: Key
    offset: int = 0
    why: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def matched(self) -> int:
        """How many checkpoints have a row."""
        return sum(row is not None for row in self.rows)


def join(
    kind: LogKind,
    rows: Iterable[LogRow],
    named: Sequence[Named],
    files: Mapping[str, int],
    path: str = "",
) -> Joined:
    """Find each checkpoint's row.

    Args:
        kind: the log's kind.
        rows: its rows, which are gone through once; of those that matter few are kept.
        named: the checkpoints.
        files: the checkpoints' paths relative to the log's folder → their index in `named`.
        path: the log's, for findings.

    Returns:
        The rows, with one answer for the whole log: where names and log contradict each other,
        nothing is joined, and it is said.
    """
    matches = [_by(key, offset, named, files) for key, offset in kind.offsets.items()]
    matches = [match for match in matches if match.wanted]
    for row in rows:
        for match in matches:
            match.take(row)
    empty = Joined([None] * len(named), "file")
    for match in matches:
        if match.has_rows:
            return match.decided(kind, path)
    return empty


@dataclass(slots=True)
class _Match:
    """The rows met so far that may belong to a checkpoint, at each offset.

    Of each checkpoint one row is kept: the last one that agrees with its name, because a log
    that was appended to holds several of the same epoch.
    """

    key: Key
    known: int | None
    named: Sequence[Named]
    wanted: Mapping[int | str, Sequence[int]]
    offsets: Sequence[int] = OFFSETS
    found: dict[int, dict[int, LogRow]] = field(default_factory=dict)
    against: dict[int, dict[int, LogRow]] = field(default_factory=dict)
    agreeing: dict[int, set[int]] = field(default_factory=dict)
    unlabelled: dict[int, dict[int, list[_Candidate]]] = field(default_factory=dict)
    again: dict[int, dict[int, LogRow]] = field(default_factory=dict)
    _columns: dict[str, str | None] = field(default_factory=dict)
    _names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for offset in self.offsets:
            self.found[offset], self.against[offset], self.again[offset] = {}, {}, {}
            self.agreeing[offset], self.unlabelled[offset] = set(), {}

    @property
    def has_rows(self) -> bool:
        """Whether any row may belong to any checkpoint."""
        return any(self.found[offset] or self.against[offset] for offset in self.offsets)

    def take(self, row: LogRow) -> None:
        """Note what a row says of the checkpoints that it may belong to."""
        at = row.file if self.key == "file" else row.epoch if self.key == "epoch" else row.step
        if at is None or at == "":
            return
        for offset in self.offsets:
            for index in self.wanted.get(at + offset if offset else at, ()):  # type: ignore[operator]
                printed = self.named[index].printed
                agrees = self._agrees(printed, row)
                if agrees is not False and any(each.is_unlabelled for each in printed):
                    meanings = self._meanings(printed, row)
                    if agrees is None and any(meanings.values()):
                        agrees = True
                    if not all(meanings.values()):
                        agrees = False
                    else:
                        ones = self.unlabelled[offset].setdefault(index, [])
                        ones.append(_Candidate(row, meanings))
                        del ones[:-_CANDIDATES]
                if agrees is False:
                    self.against[offset][index] = row
                    continue
                before = self.found[offset].get(index)
                if agrees:
                    self.agreeing[offset].add(index)
                elif index in self.agreeing[offset]:
                    continue
                elif before is not None and before.values != row.values:
                    self.again[offset][index] = row
                self.found[offset][index] = row

    def _agrees(self, printed: Iterable[Printed], row: LogRow) -> bool | None:
        """Whether a row prints as the name does; None where they have no value in common."""
        agrees = None
        # Mostly all rows have the same columns.
        if (names := tuple(row.values)) != self._names:
            self._names = names
            self._columns = columns(names)
        for label, value, half_unit, _ in printed:
            column = self._columns.get(label) if not label.isdigit() else None
            logged = number(row.values[column]) if column is not None else None
            if logged is None:
                continue
            if not _same(value, logged, half_unit):
                return False
            agrees = True
        return agrees

    def _meanings(self, printed: Iterable[Printed], row: LogRow) -> dict[str, set[str]]:
        """Each value without a label → the row's columns that print as it does."""
        logged = {
            name: value
            for name, text in row.values.items()
            if (value := number(text)) is not None and role_of(name) == "metric"
        }
        return {
            each.label: {
                name for name, value in logged.items() if _same(each.value, value, each.half_unit)
            }
            for each in printed
            if each.is_unlabelled
        }

    def _settle(self, offset: int) -> None:
        """Keep of the rows of names without labels those in which the values mean the same."""
        ones = self.unlabelled[offset]
        meanings: dict[str, set[str]] = {}
        for candidates in ones.values():
            for label in candidates[0].meanings:
                could_be = set[str]().union(*(each.meanings[label] for each in candidates))
                meanings[label] = meanings.get(label, could_be) & could_be
        for index, candidates in ones.items():
            fitting = [
                each.row
                for each in candidates
                if all(each.meanings[label] & meanings[label] for label in each.meanings)
            ]
            if fitting:
                self.found[offset][index] = fitting[-1]
            else:
                self.agreeing[offset].discard(index)
                self.found[offset].pop(index, None)
                self.against[offset][index] = candidates[-1].row

    def decided(self, kind: LogKind, path: str) -> Joined:
        """The rows at the offset that the names and the log agree on."""
        nothing: list[LogRow | None] = [None] * len(self.named)
        for offset in self.offsets:
            self._settle(offset)
        fitting = [o for o in self.offsets if self.agreeing[o] and not self._contradicting(o)]
        findings: list[Finding] = []
        if self.key == "file":
            return self._by_file(path)
        if len(fitting) == 1:
            offset = fitting[0]
            why = f"the values in {len(self.agreeing[offset])} names agree with the log"
        elif not fitting and any(map(self._contradicting, self.offsets)):
            return Joined(nothing, self.key, findings=(self._disagreement(path),))
        else:
            offset, why, sure = self._without_values(kind, fitting)
            if offset < 0:
                said = f"whether its {self.key} counts as the names do cannot be told: not used"
                return Joined(
                    nothing,
                    self.key,
                    findings=(Finding("log-base-assumed", said, path, strict=True),),
                )
            if not sure:
                said = f"that names count {_more(self.key, offset)} the log is assumed: {why}"
                findings.append(Finding("log-base-assumed", said, path, strict=True))
        found, again = self.found[offset], self.again[offset]
        unsure = [index for index in again if index not in self.agreeing[offset]]
        if unsure:
            index = unsure[0]
            said = (
                f"the log restarts, and {len(unsure)} names do not tell which of the rows is"
                f" theirs; the last one was taken, as line {found[index].place} for"
                f" {self.named[index].name!r}"
            )
            findings.append(Finding("log-restarted", said, path, strict=True))
        rows = [found.get(index) for index in range(len(self.named))]
        return Joined(rows, self.key, offset, why, tuple(findings))

    def _contradicting(self, offset: int) -> bool:
        """Whether some name has a row at this offset, and none that agrees with it."""
        return any(index not in self.agreeing[offset] for index in self.against[offset])

    def _by_file(self, path: str) -> Joined:
        """The last row of each file, unless it says that the file is gone, or other values."""
        rows: list[LogRow | None] = [None] * len(self.named)
        findings = []
        if self._contradicting(0):
            findings.append(self._disagreement(path))
        for index, row in self.found[0].items():
            later = self.against[0].get(index)
            if later is not None and later.place > row.place:
                continue
            if row.is_gone:
                name = self.named[index].name
                said = f"line {row.place} says that {name!r} was removed, and it is there: the"
                said += " log is not about this file, and was not used for it"
                findings.append(Finding("log-other-file", said, path, strict=True))
            else:
                rows[index] = row
        return Joined(rows, self.key, 0, "the log names the files", tuple(findings))

    def _without_values(self, kind: LogKind, fitting: list[int]) -> tuple[int, str, bool]:
        """The offset, where the names' values do not tell it: -1 if nothing does.

        Returns:
            The offset, how it is known, and whether that is more than the framework's habit.
        """
        possible = fitting or self.offsets
        every = {index for indices in self.wanted.values() for index in indices}
        complete = [o for o in possible if self.found[o].keys() >= every]
        if len(complete) == 1:
            return complete[0], "only so has each name a row of the log", True
        if self.known is None:
            return -1, "", False
        return self.known, kind.habit, False

    def _disagreement(self, path: str) -> Finding:
        """What the log says otherwise than a name, with an example at the likeliest offset."""
        counts = {o: len(self.against[o].keys() - self.agreeing[o]) for o in self.offsets}
        offset = min(
            (o for o in self.offsets if counts[o]), key=lambda o: (counts[o], o != self.known)
        )
        index, row = next(
            (i, r) for i, r in self.against[offset].items() if i not in self.agreeing[offset]
        )
        one = self.named[index]
        left = "nothing" if self.key != "file" else "no such row"
        said = f"{one.name!r} has {_said(one.printed, row)} in line {row.place}: {left} was"
        said += " taken from the log"
        if self.key != "file":
            said += f", whether names count {self.key}s as it does or one more"
        return Finding("log-disagrees", said, path, strict=True)


def _said(printed: Sequence[Printed], row: LogRow) -> str:
    """The first contradiction between a name and a row."""
    for label, value, half_unit, text in printed:
        column = columns(tuple(row.values)).get(label)
        logged = number(row.values[column]) if column is not None else None
        if logged is not None and not _same(value, logged, half_unit):
            return f"{column} {text}, and the log {row.values[column or ''].strip()}"
    text = next((each.text for each in printed if each.is_unlabelled), "?")
    return f"{text}, which is no metric of the log"


def _more(key: Key, offset: int) -> str:
    return f"{key}s as" if offset == 0 else f"one {key} more than"


def _by(key: Key, known: int | None, named: Sequence[Named], files: Mapping[str, int]) -> _Match:
    wanted: dict[int | str, list[int]] = {}
    if key == "file":
        return _Match(key, 0, named, {file: (i,) for file, i in files.items()}, (0,))
    for index, one in enumerate(named):
        at = one.epoch if key == "epoch" else one.step
        if at is not None:
            wanted.setdefault(at, []).append(index)
    return _Match(key, known, named, wanted)


def columns(names: Sequence[str]) -> dict[str, str | None]:
    """Label in the form of `canonical` → the one column of that label; None if several are."""
    found: dict[str, str | None] = {}
    for name in names:
        label = canonical(name)
        found[label] = None if label in found else name
    return found


def _same(printed: float, logged: float, half_unit: float) -> bool:
    """Whether the logged value prints as the name does."""
    if math.isfinite(printed) and math.isfinite(logged):
        return abs(printed - logged) <= half_unit * (1 + 1e-9) + _FLOAT32 * abs(logged)
    return printed == logged or (math.isnan(printed) and math.isnan(logged))
