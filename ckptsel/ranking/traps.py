"""Applies the frameworks' traps to the monitor's values: zeros for "missing", negated losses."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import AmbiguousMonitorError
from ckptsel.naming.conventions import IGNITE_NAME, IGNITE_SIGN, LIGHTNING_ZERO
from ckptsel.naming.decimals import may_mean_missing
from ckptsel.naming.vocabulary import direction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.checkpoint import Mode
    from ckptsel.ranking.columns import Column


def negated_loss(monitor: str, columns: list[Column]) -> Finding | None:
    """The finding that pytorch-ignite wrote these losses negated, as scores; None if not.

    Raises:
        AmbiguousMonitorError: if some of the values are negated, and others are not.
    """
    negated = [is_negated_loss(monitor, c.names, c.finite) for c in columns if c.finite]
    if not any(negated):
        return None
    if not all(negated):
        raise AmbiguousMonitorError(
            f"some names look like pytorch-ignite's, in which {monitor} stands negated, and"
            " others do not",
            hint="rank them apart, by their folders or by --include; or give their --pattern,"
            " and the values are taken as they are printed",
        )
    return Finding(IGNITE_SIGN.code, IGNITE_SIGN.says, strict=True)


def is_negated_loss(monitor: str, names: Iterable[str], values: Iterable[float]) -> bool:
    """Whether all values are losses that pytorch-ignite wrote negated, as scores."""
    return (
        direction(monitor) == "min"
        and all(value < 0 for value in values)
        and all(IGNITE_NAME.search(os.path.basename(name)) for name in names)
    )


def without_missing(columns: list[Column], mode: Mode) -> tuple[list[Column], Finding | None]:
    """Without the zeros that Lightning may have written for "missing", if a zero would win.

    Returns:
        The columns, with NaN for such zeros; and what is to be said.
    """
    best = min if mode == "min" else max
    bests = [best(column.finite) for column in columns if column.finite]
    if not bests or best(bests) != 0:
        return columns, None
    cleaned = [column._replace(values=_without_zeros(column)) for column in columns]
    dropped = sum(len(column.finite) for column in columns)
    dropped -= sum(len(column.finite) for column in cleaned)
    if not dropped:
        return columns, None
    said = f"{dropped} of the names: {LIGHTNING_ZERO.says}"
    return cleaned, Finding(LIGHTNING_ZERO.code, said, strict=True)


def _without_zeros(column: Column) -> list[float]:
    return [
        math.nan if may_mean_missing(name, value) and row not in column.from_logs else value
        for row, (name, value) in enumerate(zip(column.names, column.values, strict=True))
    ]
