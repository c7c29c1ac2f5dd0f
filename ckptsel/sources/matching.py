"""The rows that checkpoints may have at one offset. Pure: no file is touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.sources.agreement import Agreement, Printed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ckptsel.sources.agreement import Candidate, Names
    from ckptsel.sources.log import Key, LogKind, LogRow

OFFSETS = (0, 1)
"""What a name's epoch or step may count beyond that of the log's row."""

# Of rows of the same epoch in a log that restarts again and again, so many are kept.
_KEPT = 64

# Characters of rows that repeat an epoch, all together: a log of nothing else must not fill memory.
_KEPT_CHARACTERS = 2**26


class At(NamedTuple):
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
class Match:
    """The rows that may belong to a checkpoint, by one key.

    Attributes:
        key: what they are looked up by.
        known: the offset that is the framework's habit.
        named: the checkpoints.
        places: for each checkpoint that has one, its index → file, epoch or step.
        agreement: what holds rows against the names.
        wanted: the files, epochs or steps of the log that could be those of a checkpoint.
        rows: the last row with each of these.
        before: the rows with the same file, epoch or step before that, in the order of the log.
    """

    key: Key
    known: int | None
    named: Names
    places: Mapping[int, int | str]
    agreement: Agreement
    wanted: AbstractSet[int | str]
    rows: dict[object, LogRow] = field(default_factory=dict)
    before: dict[object, list[LogRow]] = field(default_factory=dict)
    _characters: int = 0

    def keep(self, at: object, row: LogRow) -> None:
        """Keep a row beside those that have the same file, epoch or step."""
        if self._characters < _KEPT_CHARACTERS:
            self._characters += sum(map(len, row.texts))
            before = self.before.setdefault(at, [])
            before.append(self.rows[at])
            del before[:-_KEPT]
        self.rows[at] = row

    def at(self, offset: int, *, whole: bool = False) -> At:
        """Hold the rows at one offset against the names.

        Args:
            offset: what names count beyond the log.
            whole: whether to go on when it is known that this offset does not fit.
        """
        at = At({}, set(), {}, [])
        unlabelled = not all(each.label for each in self.named.printed)
        rows_of, agrees_with = self.rows.get, self.agreement.of
        candidates: dict[int, list[Candidate]] = {}
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
            if unlabelled and (own := self.agreement.unlabelled(index)):
                candidates[index] = self.agreement.candidates(index, own, (*before, row))
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
            agrees = self.agreement.of(index, row)
            if agrees:
                return row, True
            if agrees is None:
                silent.append(row)
        if any(row.values != silent[0].values for row in silent):
            again.append(index)
        return (silent[0], None) if silent else (None, False)

    def _settle(self, at: At, unlabelled: Mapping[int, Sequence[Candidate]]) -> None:
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


def match(kind: LogKind, key: Key, named: Names, files: Mapping[str, int]) -> Match:
    """What one key is asked for."""
    known = kind.offsets[key]
    places: dict[int, int | str]
    if key == "file":
        places = {index: file for file, index in files.items()}
        return Match(key, 0, named, places, Agreement(named), files.keys())
    at = named.epochs if key == "epoch" else named.steps
    if key == "step" and kind.epochs_alike:
        epochs, texts = [*named.epochs], [*map(str, named.epochs)]
        told = Printed("epoch", epochs, [0.0] * len(epochs), texts)
        named = named._replace(printed=(*named.printed, told))
    places = {index: place for index, place in enumerate(at) if place is not None}
    wanted = {place - offset for place in at if place is not None for offset in OFFSETS}
    return Match(key, known, named, places, Agreement(named), wanted)
