"""What Keras logs: single numbers, and what to say where one is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ckptsel.errors import MonitorNotFoundError
from ckptsel.keras.names import listed, similar

if TYPE_CHECKING:
    from collections.abc import Mapping


def scalars(logs: Mapping[str, Any] | None) -> dict[str, float]:
    """The logged values that are one number each, to the last digit."""
    values = {name: scalar(value) for name, value in (logs or {}).items()}
    return {name: value for name, value in values.items() if value is not None}


def scalar(value: Any) -> float | None:
    """A number, an array without axes, or a variable as a float; None for anything else."""
    if isinstance(value, (int, float)):
        return float(value)
    try:
        found = np.asarray(keras.ops.convert_to_numpy(value))
        return float(found) if found.ndim == 0 else None
    except (TypeError, ValueError):
        return None


def not_logged(
    monitor: str, metrics: Mapping[str, float], *, by_batch: bool
) -> MonitorNotFoundError:
    """The error for a monitor that is not among the metrics, with the likely reason."""
    hint = similar(monitor, metrics)
    if by_batch:
        hint = "after a batch only the training's own metrics are known: save_freq='epoch'"
    elif monitor.startswith("val_") and not any(name.startswith("val_") for name in metrics):
        hint = (
            "it needs validation data; if that is not used in every epoch, let the first be"
            " one of them: validation_freq=[1, 5, 10]"
        )
    says = f"{monitor!r} was not logged; there are {listed(metrics)}"
    return MonitorNotFoundError(says, hint=hint)
