"""A metric's values at times of a training, as the checkpoints tell them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ckptsel.naming.conventions import LIGHTNING_VERSION
from ckptsel.naming.read import as_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.checkpoint import Checkpoint, Ranked

Unit: TypeAlias = Literal["epoch", "step", ""]
Moment: TypeAlias = tuple[float, ...]
"""When a checkpoint was written, to be compared with the others of its run."""


class Point(NamedTuple):
    """A metric's value at one time of a training.

    Attributes:
        at: the epoch or the step, counted as the names count it; None where it is not known.
        value: the value, NaN included.
        source: where it stands: `name`, `csv:training.csv:12`.
    """

    at: float | None
    value: float
    source: str


def turn_of(checkpoint: Checkpoint) -> tuple[float | None, float | None, int]:
    """When it was written, as far as its name tells: epoch, step, and Lightning's `-vN`."""
    match = LIGHTNING_VERSION.search(checkpoint.path)
    return checkpoint.epoch, checkpoint.step, int(match[1]) if match else 0


def unit_of(checkpoints: Iterable[Checkpoint]) -> Unit:
    """What a run's checkpoints are counted in."""
    units: Unit = ""
    for checkpoint in checkpoints:
        if checkpoint.epoch is not None:
            return "epoch"
        if checkpoint.step is not None:
            units = "step"
    return units


def time_of(checkpoint: Checkpoint, unit: Unit) -> float | None:
    """The epoch or the step of a checkpoint, None if it has none."""
    if unit == "epoch":
        return checkpoint.epoch
    return checkpoint.step if unit == "step" else None


def moment_of(checkpoint: Checkpoint, unit: Unit) -> Moment | None:
    """When a checkpoint was written; None if its name tells nothing in the run's unit.

    An epoch alone does not order what was saved within it.
    """
    return None if time_of(checkpoint, unit) is None else order_of(checkpoint)


def order_of(checkpoint: Checkpoint) -> Moment:
    """What checkpoints of one run are put in order by; what a name does not tell comes first."""
    return tuple(-math.inf if count is None else count for count in turn_of(checkpoint))


def of_checkpoints(rows: Iterable[Ranked], unit: Unit) -> dict[Moment, Point]:
    """The values of one course in their order, one a moment.

    Of several of one moment that one counts which was written last. Those without a number, and
    those of which it is not known when they were written, are left out.

    Args:
        rows: the checkpoints.
        unit: what `at` counts.
    """
    found = [
        (moment, row.checkpoint.modified, row.checkpoint.path, point)
        for row in rows
        if (point := point_of(row, unit)) is not None
        and (moment := moment_of(row.checkpoint, unit)) is not None
    ]
    return {moment: point for moment, _, _, point in sorted(found, key=lambda each: each[:3])}


def point_of(row: Ranked, unit: Unit) -> Point | None:
    """A checkpoint's value, None where it has no number."""
    metric = row.metric
    if metric is None or isinstance(metric.value, str):
        return None
    return Point(time_of(row.checkpoint, unit), as_number(metric.value), metric.source)
