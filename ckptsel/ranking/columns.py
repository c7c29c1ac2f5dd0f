"""The monitor's values, table by table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.ranking.order import printed_unit

if TYPE_CHECKING:
    from ckptsel.ranking.monitor import MonitorFields
    from ckptsel.search.survey import Survey, TableIn


class Column(NamedTuple):
    """The monitor's values in one table; NaN where there is no number.

    Attributes:
        place: the table, and the folder its names stand in.
        field: the name of the field that holds them.
        values: in the order of the names.
    """

    place: TableIn
    field: str
    values: list[float]

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

    def text(self, row: int) -> str:
        """The characters that one of the values was read from."""
        return self.place.table.reading(row).texts[self.field]


def columns_of(found: Survey, fields: MonitorFields) -> list[Column]:
    """The columns of the tables that hold the monitor."""
    return [
        Column(place, field, place.table.numbers(field))
        for place in found.read
        if (field := fields.field_of(place.table)) is not None
    ]


def rounding(columns: list[Column]) -> float:
    """How far apart two values may be whose order rounding hides; 0 if all are printed alike.

    Values of one precision that print differently are different. Of `0.32` and `0.3194`, the
    first may be the smaller one.
    """
    units = {unit for column in columns if column.values for unit in _units(column)}
    return max(units) if len(units) > 1 else 0.0


def _units(column: Column) -> set[float]:
    table = column.place.table
    field = next(field for field in table.form.fields if field.name == column.field)
    if field.is_exact:
        return {0.0}
    if not table.readings:
        # What the quick way read has the one number of decimals that the format says.
        return {printed_unit(column.place.table.columns[table.form.fields.index(field)][0])}
    return {printed_unit(column.text(row)) for row in range(len(column.values))}
