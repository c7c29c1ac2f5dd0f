"""What BestCheckpoint is told, checked before the training begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.errors import DirectionError, UsageError
from ckptsel.ranking.order import monitor_for

if TYPE_CHECKING:
    from ckptsel.checkpoint import Monitor


def check_options(
    directory: str, mode: str, keep_best: int | None, keep_last: int | None, save_freq: str | int
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
        if number is not None and number < 0:
            raise UsageError(f"{name} is {number}", hint="None keeps all")
    if keep_best == 0 and keep_last == 0:
        raise UsageError("keep_best=0 and keep_last=0 would keep nothing")
    is_number = isinstance(save_freq, int) and not isinstance(save_freq, bool)
    if save_freq != "epoch" and (not is_number or int(save_freq) < 1):
        raise UsageError(f"unknown save_freq {save_freq!r}", hint="'epoch', or a number of batches")


def direction(monitor: str, mode: str) -> Monitor:
    """The monitor with its direction.

    Raises:
        DirectionError: if the mode is auto, and the table does not know the metric.
    """
    try:
        return monitor_for(monitor, mode)
    except DirectionError as error:
        raise DirectionError(error.message, hint="say it: mode='min' or mode='max'") from None
