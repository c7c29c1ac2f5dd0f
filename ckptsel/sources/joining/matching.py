"""The rows that checkpoints may have at one offset. Pure: no file is touched."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.sources.joining.agreement import Agreement, Printed
from ckptsel.sources.joining.rows_at import LESS, OFFSETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from ckptsel.sources.joining.agreement import Names
    from ckptsel.sources.log import Key, LogKind, LogRow

Standing: TypeAlias = Literal["complete", "short", "holed", "excluded"]

# Rows that repeat an epoch, and their characters: a log of nothing else must not fill memory.
_KEPT = 2**16
_KEPT_CHARACTERS = 2**26


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
        rows: the first row with each of these, in the order of the log.
        again: the further ones: how many of `rows` stood before, the file, epoch or step, the row.
        first: what the log's first row counts, wanted or not; last: its last row.
        by_metrics: as `agreement`, without the epoch that a log by step tells as well: each run of
            a log has the same ones.
    """

    key: Key
    known: int | None
    named: Names
    places: Mapping[int, int | str]
    agreement: Agreement
    wanted: AbstractSet[int | str]
    rows: dict[int | str, LogRow] = field(default_factory=dict)
    again: deque[tuple[int, int | str, LogRow]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    first: int | None = None
    last: int | None = None
    by_metrics: Agreement | None = None
    _characters: int = 0

    def keep(self, at: int | str, row: LogRow) -> None:
        """Keep a row beside those that have the same file, epoch or step; of many the last."""
        self._characters += sum(map(len, row.texts))
        while self._characters > _KEPT_CHARACTERS and self.again:
            self._characters -= sum(map(len, self.again.popleft()[2].texts))
        self.again.append((len(self.rows), at, row))

    def reading(self, labels: Mapping[str, str]) -> Match:
        """The same, where some of the names' labels mean others."""
        printed = [
            each._replace(label=labels.get(each.label, each.label)) for each in self.named.printed
        ]
        named = self.named._replace(printed=printed)
        by_metrics = self.by_metrics and Agreement(named)
        return replace(self, named=named, agreement=Agreement(named), by_metrics=by_metrics)

    @property
    def last_rows(self) -> dict[int | str, LogRow]:
        """The last row with each file, epoch or step."""
        return {**self.rows, **{at: row for _, at, row in self.again}}

    def in_order(self) -> Iterator[tuple[int | str, LogRow]]:
        """All rows in the order of the log."""
        again = deque(self.again)
        for before, (at, row) in enumerate(self.rows.items()):
            while again and again[0][0] <= before:
                yield again.popleft()[1:]
            yield at, row
        yield from (each[1:] for each in again)

    def standing(self, offset: int, found: Mapping[int, LogRow]) -> Standing:
        """Whether each name has a row at an offset, and what it proves if one has none.

        Behind the last row it proves nothing: the log lags behind, or was cut. Before the first
        one neither, where the log was begun anew in the middle of a training. Before a log's very
        beginning no name would lack its row; in between only one that was lost.
        """
        missing = [
            place - offset  # type: ignore[operator]
            for index, place in self.places.items()
            if index not in found
        ]
        if not missing:
            return "complete"
        counted = [at for at in self.rows if isinstance(at, int)]
        start = min(counted if self.first is None else [self.first, *counted])
        end = max(counted)
        # One that begins with 1 counts from there, unless the framework's logs count from 0.
        is_whole = start == 0 or (start == 1 and self.known != 1)
        if any(at < 0 or (at < start and is_whole) for at in missing):
            return "excluded"
        return "holed" if any(start <= at <= end for at in missing) else "short"


def match(kind: LogKind, key: Key, named: Names, files: Mapping[str, int]) -> Match:
    """What one key is asked for."""
    known = kind.offsets[key]
    places: dict[int, int | str]
    if key == "file":
        places = {index: file for file, index in files.items()}
        return Match(key, 0, named, places, Agreement(named), files.keys())
    at = named.epochs if key == "epoch" else named.steps
    by_metrics = None
    if key == "step" and kind.epochs_alike:
        epochs, texts = [*named.epochs], [*map(str, named.epochs)]
        told = Printed("epoch", epochs, [0.0] * len(epochs), texts)
        by_metrics = Agreement(named)
        named = named._replace(printed=(*named.printed, told))
    places = {index: place for index, place in enumerate(at) if place is not None}
    counted = {place for place in at if place is not None}
    wanted = counted.union(*({n - by for n in counted} for by in (LESS, *OFFSETS) if by))
    agreement = Agreement(named)
    return Match(key, known, named, places, agreement, wanted, by_metrics=by_metrics)
