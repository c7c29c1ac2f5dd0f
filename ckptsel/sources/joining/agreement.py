"""Whether a row of a log prints as a name does. Pure: no file is touched."""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ckptsel.naming.vocabulary import canonical, role_of
from ckptsel.sources.log import LogRow, number, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# A value that went through float32 has lost this much of itself.
_FLOAT32 = 1e-7


Within: TypeAlias = Literal["", "batch", "shared", "step", "paced"]
"""What a name tells of a moment within its epoch.

Nothing; a batch of the epoch; that other names of its form share the epoch and differ in another
whole number; a step; or a step, and in all names of its form the same number for each epoch.
"""


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
        within: for each name, what its further numbers tell of a moment within its epoch; empty
            if no name tells anything.
    """

    names: Sequence[str]
    epochs: Sequence[int | None]
    steps: Sequence[int | None]
    printed: Sequence[Printed] = ()
    within: Sequence[Within] = ()


class Candidate(NamedTuple):
    """A row that may belong to a name, and which columns its values without a label could be."""

    row: LogRow
    meanings: Mapping[int, set[str]]


class Agreement:
    """The names' values, held against rows.

    Attributes:
        named: the checkpoints.
    """

    __slots__ = ("_columns", "_compared", "named")

    def __init__(self, named: Names) -> None:
        self.named = named
        self._columns: tuple[str, ...] = ()
        self._compared: list[tuple[int, Sequence[float | None], Sequence[float]]] = []

    def of(self, index: int, row: LogRow) -> bool | None:
        """Whether a row prints as the name does; None where they have no value in common."""
        agrees = None
        for column, values, half_units in self._in_both(row.names):
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
            if not abs(value - logged) <= half_unit and not same(value, logged, half_unit):
                return False
            agrees = True
        return agrees

    def of_all(self, rows: Mapping[int, LogRow]) -> dict[str, list[float]]:
        """Whether all rows surely print as their names do: quicker than one by one, and usual.

        Returns:
            Then the columns that were compared, as numbers in the order of the rows; else nothing.
        """
        names = next((row.names for row in rows.values()), ())
        numbers: dict[str, list[float]] = {}
        try:
            for column, values, half_units in self._in_both(names):
                logged = [float(row.texts[column]) for row in rows.values() if row.names is names]
                held = zip(rows, logged, strict=True)
                if not all(abs(values[index] - said) <= half_units[index] for index, said in held):  # type: ignore[operator]
                    return {}
                numbers[names[column]] = logged
        except (TypeError, ValueError):
            return {}  # one of the two has no value, or the columns change
        return numbers

    def _in_both(
        self, names: tuple[str, ...]
    ) -> list[tuple[int, Sequence[float | None], Sequence[float]]]:
        """The metrics of names and of rows with such columns: column, values, half units."""
        if names is not self._columns:
            self._columns = names
            known = columns(names)
            self._compared = [
                (names.index(known[each.label]), each.values, each.half_units)
                for each in self.named.printed
                if each.label in known
            ]
        return self._compared

    def unlabelled(self, index: int) -> list[int]:
        """Which of the metrics without a label a name has."""
        printed = enumerate(self.named.printed)
        return [n for n, each in printed if not each.label and each.values[index] is not None]

    def candidates(
        self, index: int, unlabelled: Sequence[int], rows: Iterable[LogRow]
    ) -> list[Candidate]:
        """The rows that a name with values without a label could have."""
        found = []
        for row in rows:
            if self.of(index, row) is False:
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
                meanings[place] = {n for n, v in logged.items() if same(value, v, half_unit)}
            if all(meanings.values()):
                found.append(Candidate(row, meanings))
        return found


def as_validation(named: Names, rows: Mapping[int | str, LogRow]) -> dict[str, str]:
    """Which labels in names could mean the log's column of validation: `loss` its `val_loss`."""
    names = next((row.names for row in rows.values()), ())
    known, labels = columns(names), {printed.label for printed in named.printed}
    of_validation = {label: canonical(f"val_{label}") for label in labels if label}
    return {
        label: other
        for label, other in of_validation.items()
        if other in known and other not in labels
    }


@lru_cache(64)
def columns(names: tuple[str, ...]) -> Mapping[str, str]:
    """Label in the form of `canonical` → the one column of that label."""
    labels = [canonical(name) for name in names]
    counts = Counter(labels)
    return {label: name for label, name in zip(labels, names, strict=True) if counts[label] == 1}


def same(printed: float, logged: float, half_unit: float) -> bool:
    """Whether the logged value prints as the name does."""
    if math.isfinite(printed) and math.isfinite(logged):
        return abs(printed - logged) <= half_unit * (1 + 1e-9) + _FLOAT32 * abs(logged)
    return printed == logged or (math.isnan(printed) and math.isnan(logged))


def contradiction(named: Names, index: int, row: LogRow, unit: str) -> str:
    """What a name and a row say that cannot both be true; a row's place counts such units."""
    values, known = row.values, columns(row.names)
    what, place = "?", place_of(row, unit)
    for label, printed, half_units, texts in named.printed:
        value = printed[index]
        if value is None:
            continue
        column = known.get(label, "")
        logged = number(values.get(column, ""))
        if logged is not None and not same(value, logged, half_units[index]):
            what = f"{column} {texts[index]}, and the log {values[column].strip()}"
            place = place_of(row, unit, column)
            break
        if not label:
            what = f"{texts[index]}, which is no metric of the log"
    return f"{named.names[index]!r} has {what} in {place}"
