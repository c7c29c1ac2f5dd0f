"""Says what decided among equals, and where rounding may hide the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import TieError
from ckptsel.naming.read import as_number
from ckptsel.ranking.order import may_be_reversed, turns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from ckptsel.checkpoint import Checkpoint, Metric, Monitor
    from ckptsel.ranking.monitor import MonitorFields


def tie_findings(
    ordered: Sequence[Checkpoint],
    fields: MonitorFields,
    monitor: Monitor,
    tie: str | None,
    taken: int = 1,
) -> list[Finding]:
    """What is to be said of the first of several checkpoints, in their order.

    Args:
        ordered: the checkpoints, best first.
        fields: where their values stand.
        monitor: what they are ordered by.
        tie: `later`, `earlier` or `error`; None for `later`, where it is grave, since nobody has
            decided it.
        taken: how many of them are taken: a tie between the last one taken and the first one
            left matters as much as one for the first place.

    Raises:
        TieError: for a tie, if `tie` is `error`.
    """
    pairs = [(c, metric) for c in ordered if (metric := fields.metric_of(c)) is not None]
    if len(pairs) < 2:
        return []

    def said(place: int) -> str:
        metric = pairs[place][1]
        in_print = " in print" if metric.source == "name" else ""
        return f"the same {monitor.name} of {metric.text}{in_print}"

    equals = [(as_number(metric.value), checkpoint) for checkpoint, metric in pairs]
    return tied_apart(equals, said, tie, taken) + rounded_apart(pairs[0], pairs[1:], fields)


def tied_apart(
    ordered: Sequence[tuple[Hashable, Checkpoint]],
    said: Callable[[int], str],
    tie: str | None,
    taken: int = 1,
    places: Iterable[int] | None = None,
) -> list[Finding]:
    """What decided between equals, one of which is taken and one is left, or is the second.

    Args:
        ordered: checkpoints with what they are ordered by, best first.
        said: what is the same of the one at a place and the next, in words.
        tie: `later`, `earlier` or `error`; None for `later`, where it is grave, since nobody has
            decided it.
        taken: how many of them are taken.
        places: the places behind which a tie matters: the first, and the last that is taken.

    Raises:
        TieError: for a tie, if `tie` is `error`.
    """
    last = min(taken, len(ordered) - 1) - 1
    for place in dict.fromkeys((0, last) if places is None else places):
        if not 0 <= place < len(ordered) - 1 or ordered[place][0] != ordered[place + 1][0]:
            continue
        value, checkpoint = ordered[place]
        equal = [other for same, other in ordered if same == value]
        what = f"{len(equal)} checkpoints have {said(place)}"
        if tie == "error":
            raise TieError(what, hint="--tie later takes the later epoch")
        turns = turns_of((value, other) for other in equal)
        if turns[checkpoint.path] == turns[ordered[place + 1][1].path]:
            what += ", and no epoch or step tells them apart; the first by path comes first"
        else:
            what += f"; of these, the {tie or 'later'} one comes first"
        return [Finding("tie", what, checkpoint.path, strict=tie is None)]
    return []


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
