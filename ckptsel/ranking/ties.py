"""Says what decided among equals, and where rounding may hide the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import TieError
from ckptsel.naming.read import as_number
from ckptsel.ranking.order import may_be_reversed, turns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.checkpoint import Checkpoint, Metric, Monitor
    from ckptsel.ranking.monitor import MonitorFields


def tie_findings(
    ordered: Sequence[Checkpoint],
    fields: MonitorFields,
    monitor: Monitor,
    tie: str,
    taken: int = 1,
) -> list[Finding]:
    """What is to be said of the first of several checkpoints, in their order.

    Args:
        ordered: the checkpoints, best first.
        fields: where their values stand.
        monitor: what they are ordered by.
        tie: `later`, `earlier` or `error`.
        taken: how many of them are taken: a tie between the last one taken and the first one
            left matters as much as one for the first place.

    Raises:
        TieError: for a tie, if `tie` is `error`.
    """
    pairs = [(c, metric) for c in ordered if (metric := fields.metric_of(c)) is not None]
    if len(pairs) < 2:
        return []
    found = []
    for place in dict.fromkeys((0, min(taken, len(pairs) - 1) - 1)):
        if said := _tie(pairs, place, monitor, tie):
            found.append(Finding("tie", said, pairs[place][0].path, strict=True))
            break
    return found + rounded_apart(pairs[0], pairs[1:], fields)


def rounded_apart(
    first: tuple[Checkpoint, Metric],
    others: Iterable[tuple[Checkpoint, Metric]],
    fields: MonitorFields,
) -> list[Finding]:
    """That one of the others may be the better one, if rounding could hide it."""
    best, unit = first[1], fields.unit_of(first[0])
    for checkpoint, metric in others:
        values = as_number(best.value), as_number(metric.value)
        if may_be_reversed(*values, unit, fields.unit_of(checkpoint)):
            said = (
                f"{best.text} and {metric.text} are printed with different precision:"
                " rounding may hide which is better"
            )
            return [Finding("rounded-apart", said, checkpoint.path, strict=True)]
    return []


def _tie(pairs: Sequence[tuple[Checkpoint, Metric]], place: int, monitor: Monitor, tie: str) -> str:
    """What is to be said if the one at `place` has the same value as the next, "" if not.

    Raises:
        TieError: if it has, and `tie` is `error`.
    """
    checkpoint, metric = pairs[place]
    equal = [c for c, other in pairs if as_number(other.value) == as_number(metric.value)]
    if as_number(pairs[place + 1][1].value) != as_number(metric.value):
        return ""
    said = f"{len(equal)} checkpoints have the same {monitor.name} of {metric.text}"
    said += " in print" if metric.source == "name" else ""
    if tie == "error":
        raise TieError(said, hint="--tie later takes the later epoch")
    turns = turns_of((metric.value, checkpoint) for checkpoint in equal)
    if turns[checkpoint.path] == turns[pairs[place + 1][0].path]:
        return f"{said}, and no epoch or step tells them apart; the first by path comes first"
    return f"{said}; of these, the {tie} one comes first"
