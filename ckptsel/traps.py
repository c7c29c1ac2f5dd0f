"""Applies the frameworks' traps to the monitor's values: zeros for "missing", negated losses."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ckptsel.naming.conventions import IGNITE_NAME, LIGHTNING_ZERO_NAME
from ckptsel.naming.vocabulary import direction

if TYPE_CHECKING:
    from collections.abc import Iterable


def is_negated_loss(monitor: str, names: Iterable[str], values: Iterable[float]) -> bool:
    """Whether all values are losses that pytorch-ignite wrote negated, as scores."""
    return (
        direction(monitor) == "min"
        and all(value < 0 for value in values)
        and all(IGNITE_NAME.search(os.path.basename(name)) for name in names)
    )


def may_mean_missing(name: str, value: float) -> bool:
    """Whether Lightning may have written this zero because the metric was not logged."""
    return value == 0 and LIGHTNING_ZERO_NAME.search(name) is not None
