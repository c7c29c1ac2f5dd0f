"""On which data the metrics inside files were measured, as names and logs show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.naming.decimals import printed_unit
from ckptsel.naming.read import as_number
from ckptsel.naming.vocabulary import canonical
from ckptsel.sources.joining.agreement import same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckptsel.checkpoint import Metric
    from ckptsel.search.places import TableIn
    from ckptsel.sources.keras_totals import Totals

Data: TypeAlias = Literal["training", "validation", ""]

# One value may print like another by chance.
_ENOUGH = 2


def data_of(places: Iterable[tuple[TableIn, list[Totals | None]]]) -> Data:
    """The data of one run's metrics; "" if nothing shows it, or some things contradict others.

    Args:
        places: the tables of the run, each with what its files have.
    """
    training: list[bool] = []
    validation: list[bool] = []
    for place, totals in places:
        for row, one in enumerate(totals):
            if one is None:
                continue
            known = {canonical(m.name): m for m in reversed(place.metrics(row)) if m.labelled}
            training += _compared(one, known, "")
            validation += _compared(one, known, "val_")
    is_training, is_validation = (
        len(each) >= _ENOUGH and all(each) for each in (training, validation)
    )
    if is_training == is_validation:
        return ""
    return "training" if is_training else "validation"


def _compared(totals: Totals, known: dict[str, Metric], prefix: str) -> Iterator[bool]:
    """Whether each metric that is known under such a name has the file's value."""
    for column, text in totals.row.values.items():
        metric = known.get(canonical(prefix + column))
        if metric is not None:
            half_unit = printed_unit(metric.text) / 2 if metric.source == "name" else 0.0
            yield same(as_number(metric.value), float(text), half_unit)
