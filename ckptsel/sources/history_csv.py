"""A history as pandas writes it, `DataFrame(history.history).to_csv(file)`: one row an epoch.

The epochs are not written down, but pandas's own index is, in a column without a title: its 0 is
taken for the epoch 0, as Keras counts. With an index that counts otherwise, it is no such table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.sources.history_json import HABIT
from ckptsel.sources.log import KERAS_KINDS, LogKind
from ckptsel.sources.reading.csv_table import table_rows, titles_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.sources.log import LogRow

_INDEX = ""


def _recognise(head: bytes) -> bool:
    first, *others = titles_of(head) or ["?"]
    return first == _INDEX and bool(others) and "epoch" not in map(str.lower, others)


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    for number, row in enumerate(table_rows(path, findings, "epoch", _INDEX)):
        if row.epoch != number:
            said = (
                f"line {row.place}: its first column, which has no title, does not count the rows"
            )
            said += " from 0: they may be no epochs, and were read up to there"
            findings.append(Finding("log-malformed", said, path, strict=True))
            return
        yield row


KIND = LogKind(
    "history",
    _recognise,
    _read,
    {"epoch": 1},
    HABIT,
    writes=KERAS_KINDS,
    by_position=True,
)
