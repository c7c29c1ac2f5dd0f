"""Values and their evidence as JSON has them: in what is printed, and beside a copy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.checkpoint import Metric, Value

# Raised by any change of the JSON but a new key.
SCHEMA = 1
RECORD_SUFFIX = ".ckptsel.json"
"""What the record beside a copy is called, behind the copy's own name."""


def finite(value: Value | None) -> Value | None:
    """The value, or None where JSON has no way to write it (NaN and the infinities)."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def by_name(metrics: Iterable[Metric]) -> dict[str, Metric]:
    """The first of each name, which is the one that counts, as in Checkpoint.metric."""
    found: dict[str, Metric] = {}
    for metric in metrics:
        found.setdefault(metric.name, metric)
    return found


def finite_values(metrics: Iterable[Metric]) -> dict[str, Value | None]:
    """The values by name, ready for JSON."""
    return {name: finite(metric.value) for name, metric in by_name(metrics).items()}


def evidence(metric: Metric) -> dict[str, object]:
    """Where a value stands, and how it is written there."""
    return {
        "name": metric.name,
        "value": finite(metric.value),
        "text": metric.text,
        "role": metric.role,
        "source": metric.source,
        "labelled": metric.labelled,
    }
