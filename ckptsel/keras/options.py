"""What BestCheckpoint is told, checked before the training begins."""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING

from ckptsel.errors import DirectionError, UsageError
from ckptsel.ranking.order import monitor_for

if TYPE_CHECKING:
    from ckptsel.checkpoint import Monitor


def check_options(
    directory: str,
    mode: str,
    keep_best: int | None,
    keep_last: int | None,
    save_freq: str | int,
    threshold: float | None,
) -> None:
    """Refuse what makes no sense. The arguments are those of BestCheckpoint.

    Raises:
        UsageError: with the reason.
    """
    if "://" in directory:
        raise UsageError(
            f"{directory!r} is no folder of this machine",
            hint="a save is renamed when it is whole, which object stores cannot do",
        )
    if mode not in ("min", "max", "auto"):
        raise UsageError(f"unknown mode {mode!r}", hint="the modes are min, max and auto")
    for name, number in (("keep_best", keep_best), ("keep_last", keep_last)):
        if number is not None and not (_is_whole(number) and number >= 0):
            raise UsageError(f"{name} is {number!r}", hint="a whole number; None keeps all")
    if keep_best == 0 and keep_last == 0:
        raise UsageError("keep_best=0 and keep_last=0 would keep nothing")
    if save_freq != "epoch" and not (_is_whole(save_freq) and int(save_freq) > 0):
        raise UsageError(f"unknown save_freq {save_freq!r}", hint="'epoch', or a number of batches")
    if threshold is not None and math.isnan(threshold):
        raise UsageError("initial_value_threshold is nan: nothing is better than that")


def _is_whole(number: object) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)


def direction(monitor: str, mode: str) -> Monitor:
    """The monitor with its direction.

    Raises:
        DirectionError: if the mode is auto, and the table does not know the metric.
    """
    try:
        return monitor_for(monitor, mode)
    except DirectionError as error:
        raise DirectionError(error.message, hint="say it: mode='min' or mode='max'") from None
