"""What names say, laid out to be compared with a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ckptsel.naming.decimals import may_mean_missing, printed_unit
from ckptsel.naming.read import as_number
from ckptsel.naming.vocabulary import canonical
from ckptsel.sources.join import Named, Printed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.naming.read import Table
    from ckptsel.search.places import TableIn


class Side(NamedTuple):
    """The names' side of a join.

    Attributes:
        named: the checkpoints, in the order of the names.
        labels: metric in the form of `canonical` → how the names call it.
    """

    named: Sequence[Named]
    labels: dict[str, str]


def side_of(place: TableIn) -> Side:
    """Epoch, step and printed values of all names of a table."""
    table = place.table
    first = table.metrics(0)
    epoch = next((m for m in first if m.role == "epoch"), None)
    step = next((m for m in first if m.role == "step"), None)
    # One number without a label may be either: `checkpoint-500`.
    if step is None and epoch is not None and not epoch.labelled:
        step = epoch
    names = table.names
    metrics = [m.name for m in first if m.role == "metric"]
    labels = {canonical(name): name for name in metrics if not name.isdigit()}
    unsaid = [None] * len(names)
    printed = _printed(table, metrics) if place.trusts_names and metrics else None
    rows = zip(
        names,
        _whole(table, epoch.name) if epoch else unsaid,
        _whole(table, step.name) if step else unsaid,
        printed or [()] * len(names),
        strict=True,
    )
    return Side([*map(Named._make, rows)], labels)


def _whole(table: Table, name: str) -> list[int | None]:
    return [int(value) if value == value // 1 else None for value in table.numbers(name)]


def _printed(table: Table, metrics: Sequence[str]) -> list[tuple[Printed, ...]]:
    """For each name its values."""
    rows = [*zip(*(_column(table, name) for name in metrics), strict=True)]
    for index, (name, row) in enumerate(zip(table.names, rows, strict=True)):
        if any(may_mean_missing(name, each.value) for each in row):
            # Such a zero says nothing that a log could contradict.
            rows[index] = tuple(each for each in row if not may_mean_missing(name, each.value))
    return rows


def _column(table: Table, name: str) -> Iterator[Printed]:
    label = canonical(name)
    index = next(i for i, f in enumerate(table.form.fields) if f.name == name)
    exact = table.form.fields[index].is_exact
    if table.readings:
        for reading in table.readings:
            text = reading.texts[name]
            half = 0.0 if exact else printed_unit(text) / 2
            yield Printed(label, as_number(reading.values[name]), half, text)
        return
    # What the quick way read has the one number of decimals that the format says.
    texts = table.columns[index]
    half = 0.0 if exact else printed_unit(texts[0]) / 2
    for text in texts:
        yield Printed(label, float(text), half, text)
