"""Values that were logged one by one, or call by call, put together: one row an epoch or step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.sources.log import LogRow, names_of
from ckptsel.sources.reading.width import is_too_wide

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ckptsel.checkpoint import Finding

# So many moments are open at once: a metric of the same step may come thousands of lines later,
# where several logs are read in the order of time. The rest of a large log is not in memory.
_OPEN = 4096
# And fewer, where these would hold more characters than this: a stranger's lines may be long.
_MOST_CHARACTERS = 16 * 2**20


class Part(NamedTuple):
    """Some of the values of one moment.

    Attributes:
        place: where they stand: the line, or the file and the line.
        values: column → text.
        epoch: as the log counts it.
        step: as the log counts it.
    """

    place: str
    values: Mapping[str, str]
    epoch: int | None = None
    step: int | None = None


@dataclass(slots=True)
class Moment:
    """What was logged at one time of a training.

    Attributes:
        epoch: as the log counts it.
        step: as the log counts it.
        values: column → text.
        places: column → where it stands.
    """

    epoch: int | None = None
    step: int | None = None
    values: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def contradicts(self, values: Mapping[str, str]) -> bool:
        """Whether other values are known already: those came from an earlier run."""
        return any(self.values.get(column, text) != text for column, text in values.items())

    def add(self, place: str, values: Mapping[str, str]) -> None:
        """Take some values."""
        for column, text in values.items():
            self.values[column] = text
            self.places[column] = place

    def row(self, place: int = 0) -> LogRow:
        """The row: with its epoch, its step, and the place of each value."""
        return LogRow(
            place,
            names_of(*self.values),
            [*self.values.values()],
            self.epoch,
            self.step,
            places=[*self.places.values()],
        )


def moments(parts: Iterable[Part], path: str, findings: list[Finding]) -> Iterator[Moment]:
    """Put the parts together that have the same epoch and step.

    A value that comes again is of a run that began again: what is known until then is given out
    first, so that no row holds values of both.

    Args:
        parts: in the order of time.
        path: the log.
        findings: takes what is wrong: one that has more columns than any log, where reading ends.
    """
    known: dict[tuple[int | None, int | None], Moment] = {}
    held = 0
    for part in parts:
        at = part.epoch, part.step
        if at in known and known[at].contradicts(part.values):
            yield from known.values()
            known.clear()
            held = 0
        if at not in known:
            known[at] = Moment(*at)
        known[at].add(part.place, part.values)
        if is_too_wide(
            len(known[at].values), path, findings, what=f"one epoch or step ({part.place})"
        ):
            return
        held += _characters(part.values)
        while len(known) > _OPEN or (held > _MOST_CHARACTERS and len(known) > 1):
            oldest = known.pop(next(iter(known)))
            held -= _characters(oldest.values)
            yield oldest
    yield from known.values()


def _characters(values: Mapping[str, str]) -> int:
    return sum(map(len, values)) + sum(map(len, values.values()))
