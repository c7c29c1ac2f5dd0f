"""The monitor's values, table by table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.naming.decimals import printed_unit

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from ckptsel.checkpoint import Metric
    from ckptsel.ranking.monitor import MonitorFields
    from ckptsel.search.places import TableIn
    from ckptsel.search.survey import Survey


class Column(NamedTuple):
    """The monitor's values in one table; NaN where there is no number.

    Attributes:
        place: the table, and the folder its names stand in.
        field: the name of the field that holds them.
        values: in the order of the names.
        from_logs: the rows whose value is a log's; the others have it from the name.
    """

    place: TableIn
    field: str
    values: list[float]
    from_logs: AbstractSet[int] = frozenset()

    @property
    def names(self) -> list[str]:
        """The names, in their order."""
        return self.place.table.names

    @property
    def finite(self) -> list[float]:
        """The values that can be ranked."""
        if math.isfinite(sum(self.values)):
            return self.values  # one pass in C, and nearly always the case
        return [value for value in self.values if math.isfinite(value)]

    @property
    def absent(self) -> int:
        """How many have no value at all: neither in the name nor in a log."""
        if self.place.in_names(self.field):
            return 0
        return len(self.values) - len(self.from_logs)

    def metric(self, row: int) -> Metric | None:
        """One of the values, with its evidence; None where there is none."""
        return next((m for m in self.place.metrics(row) if m.name == self.field), None)


def columns_of(found: Survey, fields: MonitorFields) -> list[Column]:
    """The columns of the tables that hold the monitor."""
    return [
        Column(place, field, *place.numbers(field))
        for place in found.read
        if (field := fields.field_of(place.table)) is not None
        and (place.in_names(field) or field in place.logged)
    ]


def rounding(columns: list[Column]) -> float:
    """How far apart two values may be whose order rounding hides; 0 if all are printed alike.

    Values of one precision that print differently are different. Of `0.32` and `0.3194`, the
    first may be the smaller one. Values from logs are exact.
    """
    units = {unit for column in columns if column.values for unit in _units(column)}
    return max(units) if len(units) > 1 else 0.0


def _units(column: Column) -> set[float]:
    table = column.place.table
    exact = {0.0} if column.from_logs else set()
    if len(column.from_logs) == len(column.values) or not column.place.in_names(column.field):
        return exact
    field = next(field for field in table.form.fields if field.name == column.field)
    if field.is_exact:
        return {0.0}
    if not table.readings:
        # What the quick way read has the one number of decimals that the format says.
        return exact | {printed_unit(table.columns[table.form.fields.index(field)][0])}
    texts = [reading.texts[field.name] for reading in table.readings]
    return exact | {
        printed_unit(text) for row, text in enumerate(texts) if row not in column.from_logs
    }
