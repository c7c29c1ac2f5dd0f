"""Monitor, direction, order, ties. Pure: no file is touched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Monitor
from ckptsel.errors import DirectionError
from ckptsel.history.points import turn_of
from ckptsel.naming import vocabulary
from ckptsel.naming.read import as_number

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

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
        return Monitor(name, "min", "as asked: min")
    if mode == "max":
        return Monitor(name, "max", "as asked: max")
    direction = vocabulary.direction(name)
    if direction is None:
        raise DirectionError(
            f"cannot tell whether a high or a low {name!r} is good",
            hint="say it: --mode min or --mode max",
        )
    better = "lower" if direction == "min" else "higher"
    return Monitor(name, direction, f"auto: {better} {name} is better")


def not_rankable(metric: Metric | None, monitor: str, where: str = "in the name") -> str:
    """Why a checkpoint with this value has no rank; "" if it has one.

    Args:
        metric: the value, None if it has none.
        monitor: what it is a value of.
        where: where it was looked for.
    """
    if metric is None:
        return f"no {monitor} {where}"
    value = as_number(metric.value)
    return "" if math.isfinite(value) else f"{monitor} is {metric.text.strip()}"


def shortlist(values: list[float], mode: Mode, keep: int | None, slack: float = 0.0) -> list[int]:
    """The rows that can be among the `keep` best: these, and all that tie with the last.

    NaN and infinities are left out. With `keep` None, all finite rows.

    Args:
        values: the monitor's values.
        mode: which of them are good.
        keep: how many are wanted.
        slack: values this close to the last one wanted count as tied with it.
    """
    # One pass in C finds that all are finite, which they nearly always are.
    rows: Sequence[int] = range(len(values))
    if not math.isfinite(sum(values)):
        rows = [row for row, value in enumerate(values) if math.isfinite(value)]
    if keep is None or len(rows) <= keep:
        return list(rows)
    limit = sorted((values[row] for row in rows), reverse=mode == "max")[keep - 1]
    if mode == "min":
        return [row for row in rows if values[row] <= limit + slack]
    return [row for row in rows if values[row] >= limit - slack]


def turns_of(
    candidates: Iterable[tuple[Hashable, Checkpoint]], *, per_run: bool = False
) -> Mapping[str, tuple[float | None, ...]]:
    """When each was written, to be compared with those of the same value only.

    Where one `ckptsel.jsonl` tells of all of the same value, it is the line: epochs and steps begin
    anew with every training in a folder. Else it is `turn_of`.

    Args:
        candidates: values, each with its checkpoint.
        per_run: whether only those of the same run are compared.

    Returns:
        Path → turn.
    """
    groups: dict[Hashable, list[Checkpoint]] = {}
    for value, checkpoint in candidates:
        group = (value, checkpoint.run) if per_run else value
        groups.setdefault(group, []).append(checkpoint)
    found: dict[str, tuple[float | None, ...]] = {}
    for equal in groups.values():
        lines = [checkpoint.saved for checkpoint in equal if checkpoint.saved is not None]
        by_line = len(lines) == len(equal) and len({line.log for line in lines}) == 1
        for checkpoint in equal:
            line = checkpoint.saved if by_line else None
            found[checkpoint.path] = (line.number,) if line is not None else turn_of(checkpoint)
    return found


def order(
    candidates: Iterable[tuple[float, Checkpoint]],
    mode: Mode,
    *,
    earlier: bool = False,
    per_run: bool = False,
) -> list[Checkpoint]:
    """Best first; of equal values the later first (`turns_of`), then by path.

    The later of two equal values is preferred, because `ModelCheckpoint` compares strictly: with
    `save_best_only`, a second file with the same printed value was in truth better.

    Args:
        candidates: finite values, each with its checkpoint.
        mode: which values are good.
        earlier: prefer the earlier of equals instead.
        per_run: whether only those of the same run are compared.
    """
    sign = 1 if mode == "min" else -1
    turn = 1 if earlier else -1
    candidates = list(candidates)
    is_logged = any(checkpoint.saved is not None for _, checkpoint in candidates)
    logged = turns_of(candidates, per_run=per_run) if is_logged else {}

    def key(candidate: tuple[float, Checkpoint]) -> tuple[float, tuple[float, ...], str]:
        value, checkpoint = candidate
        # One without an epoch comes after those that have one, whichever way they are turned.
        written = logged.get(checkpoint.path) or turn_of(checkpoint)
        turns = tuple(math.inf if n is None else turn * n for n in written)
        return sign * value, turns, checkpoint.path

    return [checkpoint for _, checkpoint in sorted(candidates, key=key)]


def may_be_reversed(best: float, other: float, best_unit: float, other_unit: float) -> bool:
    """Whether rounding could hide that `other` is really the better one.

    `0.32` stands for anything from 0.315 to 0.325, so it may be better or worse than `0.3194`.
    Of two values with the same printed unit, the rounding hides nothing.

    Args:
        best: the better of two printed values.
        other: the other one.
        best_unit: one unit of the last printed digit of `best`; 0.0 if it is not rounded.
        other_unit: the same of `other`.
    """
    if best == other or best_unit == other_unit:
        return False
    return abs(best - other) < (best_unit + other_unit) / 2 * (1 - 1e-9)
