"""What the rows at one count say of the names. Pure: no file is touched."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckptsel.sources.log import LogRow

OFFSETS = (0, 1)
"""What a name's epoch or step may count beyond that of the log's row."""
LESS = -1
"""That names count from 0, and the log from 1: only values show it, or it is a doubt."""


class At(NamedTuple):
    """What the rows at one offset say of the names; index of a checkpoint → row.

    Attributes:
        found: the row that agrees, or that has no value in common with the name.
        agreeing: the checkpoints whose row has such a value, and agrees.
        against: a row that contradicts the name, where none agrees.
        again: the checkpoints with several rows, between which nothing decides.
        meanings: for each of the metrics without a label, which columns it could be: it is the
            same one in all names.
        numbers: column → what all of `found` have there, in their order, where that is known.
    """

    found: dict[int, LogRow]
    agreeing: set[int]
    against: dict[int, LogRow]
    again: list[int]
    meanings: dict[int, set[str]]
    numbers: Mapping[str, list[float]] = MappingProxyType({})

    @property
    def fits(self) -> bool:
        """Whether values show that this is the offset, and none that it is not."""
        return bool(self.agreeing) and not self.against
