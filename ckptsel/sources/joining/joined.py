"""What was joined: the rows of the checkpoints, and how it was known. Pure: no file is touched."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import Key, LogRow


class Rows(list["LogRow | None"]):
    """The rows of all checkpoints, and what was read of them already.

    A list that is made of them, or of a part, is a plain one: it cannot say what is not true of it.

    Attributes:
        numbers: column → the value that each row has there.
        matched: how many have a row.
    """

    __slots__ = ("matched", "numbers")

    def __init__(self, rows: Iterable[LogRow | None], numbers: Mapping[str, list[float]]) -> None:
        super().__init__(rows)
        self.numbers = numbers
        self.matched = len(self) - self.count(None)


class Joined(NamedTuple):
    """Which rows were joined, and how it was known.

    Attributes:
        rows: for each checkpoint its row, or None.
        key: by what they were joined.
        offset: what names count beyond the rows.
        why: how that is known, in words.
        findings: what was noticed.
        meanings: which column a metric without a label is, by its place in `Names.printed`, where
            several names agree that it is this one.
        is_confirmed: whether the names show that the log is about these files: by a value that
            agrees, or because the log names them.
        shift: what the rows' epochs count less than those that stand in the log.
        otherwise: labels by which names mean another column than the one called so, each with
            that one's: `loss`, where all names print the log's `val_loss`.
        span: from which epoch or step to which the log goes, as the names count; None by file.
    """

    rows: Sequence[LogRow | None]
    key: Key
    offset: int = 0
    why: str = ""
    findings: tuple[Finding, ...] = ()
    is_confirmed: bool = False
    shift: int = 0
    meanings: Mapping[int, str] = MappingProxyType({})
    otherwise: Mapping[str, str] = MappingProxyType({})
    span: tuple[int, int] | None = None

    @property
    def matched(self) -> int:
        """How many checkpoints have a row."""
        rows = self.rows
        return rows.matched if isinstance(rows, Rows) else len(rows) - rows.count(None)
