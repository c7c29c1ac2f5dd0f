"""Which checkpoints stay: the best few and the last few. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Sequence

    from ckptsel.checkpoint import Mode
    from ckptsel.training_log.events import Saved


def is_better(value: float, best: float | None, mode: Mode) -> bool:
    """Whether a value is strictly better; NaN and infinities never are."""
    if not math.isfinite(value):
        return False
    if best is None:
        return True
    return value < best if mode == "min" else value > best


def copies(saves: Sequence[Saved]) -> set[int]:
    """The places of saves that came again: of one epoch and step, and in all metrics the same.

    So do the processes of a distributed training save, if each has the callback.
    """
    found: dict[Hashable, int] = {}
    again: set[int] = set()
    for place, save in enumerate(saves):
        values = tuple(sorted((name, repr(value)) for name, value in save.metrics.items()))
        key = (save.epoch, save.step, values)
        if key in found:
            again.add(found[key])
        found[key] = place
    return again


def kept(
    values: Sequence[float],
    *,
    best: int | None,
    last: int | None,
    mode: Mode,
    threshold: float | None = None,
    copies: Collection[int] = (),
) -> set[int]:
    """The places that stay.

    Args:
        values: the monitor's values, in the order in which they were saved.
        best: how many of the best stay; None for all that can be ranked. Of equal values the
            later is the better one, as for `ckptsel best`.
        last: how many of the last stay; None for all.
        mode: which values are good.
        threshold: only what is better than this is among the best.
        copies: places of saves that came again: they take the place of no other.
    """
    if best is None or last is None:
        copies = ()
    places = [place for place in range(len(values)) if place not in copies]
    sign = 1 if mode == "min" else -1
    rankable = [place for place in places if is_better(values[place], threshold, mode)]
    rankable.sort(key=lambda place: (sign * values[place], -place))
    stays = {*(rankable if best is None else rankable[:best])}
    return stays | {*(places if last is None else places[len(places) - min(last, len(places)) :])}
