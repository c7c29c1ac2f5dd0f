"""Keras's CSVLogger: one row an epoch, counted from 0; appended to by a second fit.

Source: keras/src/callbacks/csv_logger.py: the first column is `epoch`, the others are sorted;
`NA` stands for an absent value. Other writers of such a table are read as well; pandas writes its
index before all, in a column without a title, and the epochs where the frame has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.sources.log import KERAS_KINDS, LogKind
from ckptsel.sources.reading.csv_table import table_rows, titles_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import LogRow

_KEY = "epoch"


def _recognise(head: bytes) -> bool:
    titles = [title.lower() for title in titles_of(head)]
    if titles[:1] == [""]:
        return titles.count(_KEY) == 1
    return len(titles) > 1 and titles[0] == _KEY


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    return table_rows(path, findings, "epoch", _KEY)


KIND = LogKind(
    "csv",
    _recognise,
    _read,
    {"epoch": 1},
    "Keras counts epochs from 1 in names and from 0 in CSVLogger's table",
    writes=KERAS_KINDS,
    begins=0,
)
