"""Monitor, direction, order, ties. Pure: no file is touched."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Monitor
from ckptsel.errors import DirectionError
from ckptsel.naming import vocabulary
from ckptsel.naming.read import as_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.checkpoint import Checkpoint, Metric, Mode


def monitor_for(name: str, mode: str) -> Monitor:
    """The monitor with its direction.

    Args:
        name: the metric.
        mode: `min`, `max`, or anything else for auto.

    Raises:
        DirectionError: if the mode is auto and the curated table cannot say.
    """
    if mode == "min":
        return Monitor(name, "min", "as asked: --mode min")
    if mode == "max":
        return Monitor(name, "max", "as asked: --mode max")
    direction = vocabulary.direction(name)
    if direction is None:
        raise DirectionError(
            f"cannot tell whether a high or a low {name!r} is good",
            hint="say it: --mode min or --mode max",
        )
    better = "lower" if direction == "min" else "higher"
    return Monitor(name, direction, f"auto: {better} {name} is better")


def not_rankable(metric: Metric | None, monitor: str) -> str:
    """Why a checkpoint with this value has no rank; "" if it has one."""
    if metric is None:
        return f"no {monitor} in the name"
    value = as_number(metric.value)
    return "" if math.isfinite(value) else f"{monitor} is {metric.text.strip()}"


def shortlist(values: list[float], mode: Mode, keep: int | None) -> list[int]:
    """The rows that can be among the `keep` best: these, and all that tie with the last.

    NaN and infinities are left out. With `keep` None, all finite rows.
    """
    # One pass in C finds that all are finite, which they nearly always are.
    rows: Iterable[int] = range(len(values))
    if not math.isfinite(sum(values)):
        rows = [row for row, value in enumerate(values) if math.isfinite(value)]
    if keep is None:
        return list(rows)
    if keep == 1 and isinstance(rows, range) and values:
        limit = min(values) if mode == "min" else max(values)
    else:
        ordered = sorted((values[row] for row in rows), reverse=mode == "max")[:keep]
        if not ordered:
            return []
        limit = ordered[-1]
    if mode == "min":
        return [row for row in rows if values[row] <= limit]
    return [row for row in rows if values[row] >= limit]


def order(
    candidates: Iterable[tuple[float, Checkpoint]], mode: Mode, *, earlier: bool = False
) -> list[Checkpoint]:
    """Best first; equal values by epoch, then by step (the later first), then by path.

    The later of two equal values is preferred, because `ModelCheckpoint` compares strictly: with
    `save_best_only`, a second file with the same printed value was in truth better.

    Args:
        candidates: finite values, each with its checkpoint.
        mode: which values are good.
        earlier: prefer the earlier of equals instead.
    """
    sign = 1 if mode == "min" else -1
    turn = 1 if earlier else -1

    def key(candidate: tuple[float, Checkpoint]) -> tuple[float, float, float, str]:
        value, checkpoint = candidate
        # One without an epoch comes after those that have one, whichever way they are turned.
        epoch, step = (
            math.inf if count is None else turn * count
            for count in (checkpoint.epoch, checkpoint.step)
        )
        return sign * value, epoch, step, checkpoint.path

    return [checkpoint for _, checkpoint in sorted(candidates, key=key)]


_DECIMAL = re.compile(r"[+-]?\d+(?:\.(\d+))?(?:[eE]([+-]\d+))?(%?)")


def printed_unit(text: str) -> float:
    """One unit of the last printed digit: 0.01 for `0.32`; 0.0 if the text is no number."""
    match = _DECIMAL.fullmatch(text.strip())
    if match is None:
        return 0.0
    decimals = len(match[1] or "") + (2 if match[3] else 0)
    return 10.0 ** (int(match[2] or 0) - decimals)


def may_be_reversed(best: Metric, other: Metric) -> bool:
    """Whether rounding could hide that `other` is really the better one.

    `0.32` stands for anything from 0.315 to 0.325, so it may be better or worse than `0.3194`.
    """
    if isinstance(best.value, str) or isinstance(other.value, str) or best.value == other.value:
        return False
    slack = (printed_unit(best.text) + printed_unit(other.text)) / 2
    return abs(best.value - other.value) < slack * (1 - 1e-9) and (
        printed_unit(best.text) != printed_unit(other.text)
    )
