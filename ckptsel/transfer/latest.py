"""Checkpoints of a training in the order in which they were saved, the latest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.history.points import turn_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckptsel.checkpoint import Checkpoint, Ranked

_WITHIN_AN_EPOCH = ("batch", "batch_idx")


class Latest(NamedTuple):
    """Checkpoints in the order of their saves.

    Attributes:
        rows: the latest first.
        is_logged: whether a log tells their order, and not only their names.
        findings: what is in doubt.
    """

    rows: list[Ranked]
    is_logged: bool
    findings: tuple[Finding, ...] = ()


def latest_first(rows: Sequence[Ranked], number: int) -> Latest:
    """Sort checkpoints, and say if nobody knows which are the last.

    A second `fit` counts epochs from 1 again, and its files get `-v1` where the names are taken.
    The log of `BestCheckpoint` has a line each, in the order of the saves. Else epochs tell, then
    steps, if these and the versions lead to the same.

    Args:
        rows: checkpoints with an epoch, or with a step.
        number: how many are wanted.
    """
    lines = {row.checkpoint.path: row.checkpoint.saved for row in rows}
    known = {path: line for path, line in lines.items() if line is not None}
    if len(known) == len(rows) and len({line.log for line in known.values()}) == 1:
        ordered = sorted(rows, key=lambda row: known[row.checkpoint.path].number, reverse=True)
        return Latest(ordered, is_logged=True)
    found = sorted(rows, key=turn, reverse=True)
    others: list[Callable[[Ranked], tuple[float, ...]]] = [lambda row: (turn(row)[2], *turn(row))]
    if all(_total_step(row.checkpoint) for row in rows):
        others.append(lambda row: (turn(row)[1], *turn(row)))
    for key in others:
        other = sorted(rows, key=key, reverse=True)
        for one, two in zip(found[:number], other, strict=False):
            if turn(one) != turn(two):
                message = (
                    f"epochs say that {one.checkpoint.path!r} was saved after this one; its step"
                    " or its version, as of a second training, says the contrary"
                )
                doubt = Finding("order-in-doubt", message, two.checkpoint.path, strict=True)
                return Latest(found, is_logged=False, findings=(doubt,))
    return Latest(found, is_logged=False)


def turn(row: Ranked) -> tuple[float, ...]:
    """When it was saved, as far as its name tells: epoch, step and version; -1 for none."""
    return tuple(-1.0 if each is None else float(each) for each in turn_of(row.checkpoint))


def _total_step(checkpoint: Checkpoint) -> bool:
    """Whether it tells a step, and not only the batch within an epoch."""
    steps = [metric for metric in checkpoint.metrics if metric.role == "step"]
    return bool(steps) and steps[0].name not in _WITHIN_AN_EPOCH
