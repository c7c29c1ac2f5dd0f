"""Logs of one run and one kind that contradict each other: which of them is about these files?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.search.logs.ownership import GIVEN
from ckptsel.sources.joining.agreement import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.search.logs.ownership import FoundLog
    from ckptsel.sources.joining.joined import Joined
    from ckptsel.sources.log import LogRow


class Answer(NamedTuple):
    """A log that was joined.

    Attributes:
        log: the log.
        joined: its rows.
        left: the labels of its columns, if it was left because another one contradicts it.
    """

    log: FoundLog
    joined: Joined
    left: frozenset[str] = frozenset()

    def without_rows(self) -> Answer:
        """The same, left."""
        nothing = [None] * len(self.joined.rows)
        joined = self.joined._replace(rows=nothing, findings=())
        return Answer(self.log, joined, self.left | labels_of(self.joined.rows))


def labels_of(rows: Sequence[LogRow | None]) -> frozenset[str]:
    """The labels of a log's columns, as far as they tell something of checkpoints."""
    seen = {id(row.names): row.names for row in rows if row is not None}
    return frozenset(label for names in seen.values() for label in columns(names))


def disagrees(joined: Joined) -> bool:
    """Whether nothing was joined, because something is contradicted."""
    return not joined.matched and any(each.code == "log-disagrees" for each in joined.findings)


def rivals_of(log: FoundLog, joined: Joined, answers: Sequence[Answer]) -> list[Answer]:
    """The logs of the same kind that a log contradicts, and that no name confirms either."""
    # One in a folder of its own counts where values confirm it, and else says nothing of others.
    if log.place == GIVEN or log.is_elsewhere or not disagrees(joined):
        return []
    return [
        each
        for each in answers
        if each.joined.matched
        and each.log.kind.name == log.kind.name
        and not each.joined.is_confirmed
    ]


def undecided(answer: Answer, answers: Sequence[Answer]) -> Answer | None:
    """One of the logs that were left, if this one has the same metrics and is not confirmed."""
    if answer.joined.is_confirmed or not answer.joined.matched:
        return None
    labels = labels_of(answer.joined.rows) - _COUNTS
    same = (each for each in answers if each.log.kind.name == answer.log.kind.name)
    return next((each for each in same if labels & each.left), None)


_COUNTS = frozenset(("epoch", "step"))


def contested(log: FoundLog, other: str) -> Finding:
    """That a log and another one contradict each other, and neither was used."""
    said = f"it and {other} tell different values of the same checkpoints, and no name"
    said += " tells which of them is about these: neither was used (--exclude leaves one out)"
    return Finding("log-several-runs", said, log.path, strict=True)
