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
    from collections.abc import Set as AbstractSet

OFFSETS = (0, 1)
"""What a name's epoch or step may count beyond that of the log's row."""

# Of rows of the same epoch in a log that restarts again and again, so many are kept.
_KEPT = 64

# Characters of rows that repeat an epoch, all together: a log of nothing else must not fill memory.
_KEPT_CHARACTERS = 2**26

# A value that went through float32 has lost this much of itself.
_FLOAT32 = 1e-7


class Printed(NamedTuple):
    """One metric's values in the names, in their order.

    Attributes:
        label: the metric, in the form of `canonical`; "" if it has no label. It may then be any
            of the log's metrics, the same one in all names.
        values: as they were read; None where a name has none.
        half_units: half of the last printed digit's unit; 0.0 where it is not rounded.
        texts: as they stand there.
    """

    label: str
    values: Sequence[float | None]
    half_units: Sequence[float]
    texts: Sequence[str]


class Names(NamedTuple):
    """What is known of the checkpoints without a log: each a column, all of one length.

    Attributes:
        names: to speak of them.
        epochs: as the names count them.
        steps: as the names count them.
        printed: the values in the names.
    """

    names: Sequence[str]
    epochs: Sequence[int | None]
    steps: Sequence[int | None]
    printed: Sequence[Printed] = ()


class _Candidate(NamedTuple):
    """A row that may belong to a name, and which columns its values without a label could be."""

    row: LogRow
    meanings: Mapping[int, set[str]]


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
        return len(self.rows) - self.rows.count(None)


def join(
    kind: LogKind,
    rows: Iterable[LogRow],
    named: Names,
    files: Mapping[str, int],
    path: str = "",
    *,
    is_doubtful: bool = False,
) -> Joined:
    """Find each checkpoint's row.

    Args:
        kind: the log's kind.
        rows: its rows, which are gone through once; those that no checkpoint could have are
            not kept.
        named: the checkpoints.
        files: the checkpoints' paths relative to the log's folder → their index in `named`.
        path: the log's, for findings.
        is_doubtful: whether it may be another run's log, so that only agreeing values show that
            it is not.

    Returns:
        The rows, with one answer for the whole log: where names and log contradict each other,
        nothing is joined, and it is said.
    """
    matches = [_match(kind, key, named, files) for key in kind.offsets]
    matches = [match for match in matches if match.places]
    # Each row goes through here, and most of a large log belong to no checkpoint.
    wanted = [(LogRow._fields.index(m.key), m.wanted, m.rows, m.keep) for m in matches]
    for row in rows:
        for position, places, kept, keep in wanted:
            if (at := row[position]) in places:
                if at in kept:
                    keep(at, row)
                else:
                    kept[at] = row
    first: Joined | None = None
    for match in matches:
        if match.rows:
            joined = match.decided(kind, path, is_doubtful=is_doubtful)
            # Steps that count something else do not speak against the epochs.
            if joined.matched:
                return joined
            first = first or joined
    return first or Joined([None] * len(named.names), "file")


class _At(NamedTuple):
    """What the rows at one offset say of the names; index of a checkpoint → row.

    Attributes:
        found: the last row that agrees, or that has no value in common with the name.
        agreeing: the checkpoints whose row has such a value, and agrees.
        against: a row that contradicts the name, where none agrees.
        again: the checkpoints with several rows, between which the name does not decide.
    """

    found: dict[int, LogRow]
    agreeing: set[int]
    against: dict[int, LogRow]
    again: list[int]

    @property
    def fits(self) -> bool:
        """Whether values show that this is the offset, and none that it is not."""
        return bool(self.agreeing) and not self.against


@dataclass(slots=True)
class _Match:
    """The rows that may belong to a checkpoint, by one key.

    Attributes:
        key: what they are looked up by.
        known: the offset that is the framework's habit.
        named: the checkpoints.
        places: for each checkpoint that has one, its index → file, epoch or step.
        wanted: the files, epochs or steps of the log that could be those of a checkpoint.
        rows: the last row with each of these.
        before: the rows with the same file, epoch or step before that, in the order of the log.
    """

    key: Key
    known: int | None
    named: Names
    places: Mapping[int, int | str]
    wanted: AbstractSet[int | str]
    rows: dict[object, LogRow] = field(default_factory=dict)
    before: dict[object, list[LogRow]] = field(default_factory=dict)
    _characters: int = 0
    _compared: list[tuple[int, Sequence[float | None], Sequence[float]]] = field(
        default_factory=list
    )
    _columns: tuple[str, ...] = ()

    def keep(self, at: object, row: LogRow) -> None:
        """Keep a row beside those that have the same file, epoch or step."""
        if self._characters < _KEPT_CHARACTERS:
            self._characters += sum(map(len, row.texts))
            before = self.before.setdefault(at, [])
            before.append(self.rows[at])
            del before[:-_KEPT]
        self.rows[at] = row

    def decided(self, kind: LogKind, path: str, *, is_doubtful: bool) -> Joined:
        """The rows at the offset that the names and the log agree on."""
        if self.key == "file":
            return self._by_file(path)
        nothing: list[LogRow | None] = [None] * len(self.named.names)
        tried = {offset: self._at(offset) for offset in OFFSETS}
        fitting = [offset for offset in OFFSETS if tried[offset].fits]
        findings: list[Finding] = []
        if len(fitting) == 1:
            offset = fitting[0]
            why = f"the values in {len(tried[offset].agreeing)} names agree with the log"
        elif not fitting and any(at.against for at in tried.values()):
            return Joined(nothing, self.key, findings=(self._disagreement(path),))
        elif is_doubtful:
            said = "in a folder of its own, and no value shows that it is this run's: not used"
            return Joined(nothing, self.key, findings=(Finding("log-elsewhere", said, path),))
        else:
            complete = [o for o in fitting or OFFSETS if len(tried[o].found) == len(self.places)]
            by_values = self.key in kind.only_by_values
            if len(complete) == 1 and not by_values:
                offset, why = complete[0], "only so has each name a row of the log"
            elif self.known is None or by_values:
                said = f"whether its {self.key}s count as the names do cannot be told: not used"
                findings.append(Finding("log-base-assumed", said, path, strict=True))
                return Joined(nothing, self.key, findings=tuple(findings))
            else:
                offset, why = self.known, kind.habit
                said = f"that names count {_more(self.key, offset)} the log is assumed: {why}"
                findings.append(Finding("log-base-assumed", said, path, strict=True))
        at = tried[offset]
        if self.key == "epoch" and (within := self._within_epochs(at)):
            name = self.named.names[within[0]]
            said = (
                f"{len(within)} names, as {name!r}, tell a step within an epoch, of which the log"
            )
            said += " only knows the end: it was not used for them"
            findings.append(Finding("log-too-coarse", said, path, strict=True))
            for index in within:
                del at.found[index]
        again = [index for index in at.again if index in at.found]
        if again:
            index = again[0]
            said = (
                f"the log has several rows of one {self.key}, and {len(again)} names do not tell"
                f" which is theirs; the last one was taken, as line {at.found[index].place} for"
                f" {self.named.names[index]!r}"
            )
            findings.append(Finding("log-restarted", said, path, strict=True))
        rows = [at.found.get(index) for index in range(len(self.named.names))]
        return Joined(rows, self.key, offset, why, tuple(findings))

    def _within_epochs(self, at: _At) -> list[int]:
        """The checkpoints that share an epoch with others of other steps, and no value agrees."""
        steps: dict[int | str, set[int]] = {}
        if self.named.steps.count(None) == len(self.named.steps):
            return []
        for index, place in self.places.items():
            if (step := self.named.steps[index]) is not None and step != place:
                steps.setdefault(place, set()).add(step)
        several = {place for place, found in steps.items() if len(found) > 1}
        return [i for i in at.found if self.places[i] in several and i not in at.agreeing]

    def _at(self, offset: int, *, whole: bool = False) -> _At:
        """Hold the rows at one offset against the names.

        Args:
            offset: what names count beyond the log.
            whole: whether to go on when it is known that this offset does not fit.
        """
        at = _At({}, set(), {}, [])
        unlabelled = not all(each.label for each in self.named.printed)
        rows_of, agrees_with = self.rows.get, self._agrees
        candidates: dict[int, list[_Candidate]] = {}
        for index, place in self.places.items():
            here = place - offset if offset else place  # type: ignore[operator]
            row = rows_of(here)
            if row is None:
                continue
            agrees = agrees_with(index, row)
            found = row if agrees is not False else None
            before = self.before.get(here, ()) if self.before else ()
            if before and not agrees:
                found, agrees = self._earlier(index, before, row, at.again)
            if found is None:
                at.against[index] = row
                if not whole:
                    return at
                continue
            at.found[index] = found
            if agrees:
                at.agreeing.add(index)
            if unlabelled and (own := self._unlabelled(index)):
                candidates[index] = self._candidates(index, own, (*before, row))
        if candidates:
            self._settle(at, candidates)
        return at._replace(again=[index for index in at.again if index not in at.agreeing])

    def _earlier(
        self, index: int, before: Sequence[LogRow], last: LogRow, again: list[int]
    ) -> tuple[LogRow | None, bool | None]:
        """The row of a name that does not agree with the last one: of those before, the latest.

        Returns:
            The row, and whether it agrees; without one that does, the last one that has no value
            in common with the name. If several have none, the index goes into `again`.
        """
        silent: list[LogRow] = []
        for row in (last, *reversed(before)):
            agrees = self._agrees(index, row)
            if agrees:
                return row, True
            if agrees is None:
                silent.append(row)
        if any(row.values != silent[0].values for row in silent):
            again.append(index)
        return (silent[0], None) if silent else (None, False)

    def _agrees(self, index: int, row: LogRow) -> bool | None:
        """Whether a row prints as the name does; None where they have no value in common."""
        if row.names is not self._columns:
            self._columns = row.names
            known = columns(row.names)
            self._compared = [
                (row.names.index(known[each.label]), each.values, each.half_units)
                for each in self.named.printed
                if each.label in known
            ]
        agrees = None
        for column, values, half_units in self._compared:
            value = values[index]
            if value is None:
                continue
            text = row.texts[column]
            try:
                logged = float(text)
            except ValueError:
                # Rare, and the call takes longer than the conversion.
                if (said := number(text)) is None:
                    continue
                logged = said
            half_unit = half_units[index]
            if not abs(value - logged) <= half_unit and not _same(value, logged, half_unit):
                return False
            agrees = True
        return agrees

    def _unlabelled(self, index: int) -> list[int]:
        """Which of the metrics without a label a name has."""
        printed = enumerate(self.named.printed)
        return [n for n, each in printed if not each.label and each.values[index] is not None]

    def _candidates(
        self, index: int, unlabelled: Sequence[int], rows: Iterable[LogRow]
    ) -> list[_Candidate]:
        """The rows that a name with values without a label could have."""
        found = []
        for row in rows:
            if self._agrees(index, row) is False:
                continue
            logged = {
                name: value
                for name, text in row.values.items()
                if (value := number(text)) is not None and role_of(name) == "metric"
            }
            meanings = {}
            for place in unlabelled:
                _, values, half_units, _ = self.named.printed[place]
                value, half_unit = values[index] or 0.0, half_units[index]
                meanings[place] = {n for n, v in logged.items() if _same(value, v, half_unit)}
            if all(meanings.values()):
                found.append(_Candidate(row, meanings))
        return found

    def _settle(self, at: _At, unlabelled: Mapping[int, Sequence[_Candidate]]) -> None:
        """Keep of the rows of names without labels those in which the values mean the same."""
        meanings: dict[int, set[str]] = {}
        for candidates in unlabelled.values():
            for place in candidates[0].meanings if candidates else ():
                could_be = set[str]().union(*(each.meanings[place] for each in candidates))
                meanings[place] = meanings.get(place, could_be) & could_be
        for index, candidates in unlabelled.items():
            fitting = [
                each.row
                for each in candidates
                if all(each.meanings[place] & meanings[place] for place in each.meanings)
            ]
            if fitting:
                at.found[index] = fitting[-1]
                at.agreeing.add(index)
            else:
                at.agreeing.discard(index)
                at.against[index] = at.found.pop(index)

    def _by_file(self, path: str) -> Joined:
        """The last row of each file, unless it says that the file is gone, or other values."""
        rows: list[LogRow | None] = [None] * len(self.named.names)
        findings = []
        for index, place in self.places.items():
            if place not in self.rows:
                continue
            row = self.rows[place]
            if row.is_gone:
                name = self.named.names[index]
                said = f"line {row.place} says that {name!r} was removed, and it is there: the"
                said += " log is not about this file, and was not used for it"
                findings.append(Finding("log-other-file", said, path, strict=True))
            elif self._agrees(index, row) is False:
                said = f"{_contradiction(self.named, index, row)}: the log was not used for it"
                findings.append(Finding("log-disagrees", said, path, strict=True))
            else:
                rows[index] = row
        return Joined(rows, self.key, 0, "the log names the files", tuple(findings))

    def _disagreement(self, path: str) -> Finding:
        """What the log says otherwise than a name, with an example at the likeliest offset."""
        tried = [(offset, self._at(offset, whole=True)) for offset in OFFSETS]
        _, at = min(
            ((offset, at) for offset, at in tried if at.against),
            key=lambda each: (len(each[1].against), each[0] != self.known),
        )
        index, row = next(iter(at.against.items()))
        said = f"{_contradiction(self.named, index, row)}: nothing was taken from the log, whether"
        said += f" names count {self.key}s as it does or one more"
        return Finding("log-disagrees", said, path, strict=True)


def _match(kind: LogKind, key: Key, named: Names, files: Mapping[str, int]) -> _Match:
    """What one key is asked for."""
    known = kind.offsets[key]
    places: dict[int, int | str]
    if key == "file":
        places = {index: file for file, index in files.items()}
        return _Match(key, 0, named, places, files.keys())
    at = named.epochs if key == "epoch" else named.steps
    if key == "step" and kind.epochs_alike:
        epochs, texts = [*named.epochs], [*map(str, named.epochs)]
        told = Printed("epoch", epochs, [0.0] * len(epochs), texts)
        named = named._replace(printed=(*named.printed, told))
    places = {index: place for index, place in enumerate(at) if place is not None}
    wanted = {place - offset for place in at if place is not None for offset in OFFSETS}
    return _Match(key, known, named, places, wanted)


def _contradiction(named: Names, index: int, row: LogRow) -> str:
    """What a name and a row say that cannot both be true."""
    values, known = row.values, columns(row.names)
    what = "?"
    for label, printed, half_units, texts in named.printed:
        value = printed[index]
        if value is None:
            continue
        column = known.get(label, "")
        logged = number(values.get(column, ""))
        if logged is not None and not _same(value, logged, half_units[index]):
            what = f"{column} {texts[index]}, and the log {values[column].strip()}"
            break
        if not label:
            what = f"{texts[index]}, which is no metric of the log"
    return f"{named.names[index]!r} has {what} in line {row.place}"


def _more(key: Key, offset: int) -> str:
    return f"{key}s as" if offset == 0 else f"one {key} more than"


def columns(names: Sequence[str]) -> dict[str, str]:
    """Label in the form of `canonical` → the one column of that label."""
    labels = [canonical(name) for name in names]
    return {
        label: name for label, name in zip(labels, names, strict=True) if labels.count(label) == 1
    }


def _same(printed: float, logged: float, half_unit: float) -> bool:
    """Whether the logged value prints as the name does."""
    if math.isfinite(printed) and math.isfinite(logged):
        return abs(printed - logged) <= half_unit * (1 + 1e-9) + _FLOAT32 * abs(logged)
    return printed == logged or (math.isnan(printed) and math.isnan(logged))
