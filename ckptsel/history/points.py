"""A metric's values at times of a training, as the checkpoints tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ckptsel.naming.read import as_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.checkpoint import Checkpoint, Metric

Unit: TypeAlias = Literal["epoch", "step", ""]


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


def of_checkpoints(values: Iterable[tuple[Checkpoint, Metric | None]], unit: Unit) -> list[Point]:
    """The values of one run's checkpoints in their order; those without a number are left out.

    Args:
        values: the checkpoints.
        unit: what `at` counts.
    """
    points = [
        Point(time_of(checkpoint, unit), as_number(metric.value), metric.source)
        for checkpoint, metric in values
        if metric is not None and not isinstance(metric.value, str)
    ]
    return sorted(points, key=_order)


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


def _order(point: Point) -> float:
    return float("inf") if point.at is None else point.at
