"""timm's `summary.csv`: one row an epoch, counted from 0 as `checkpoint-12.pth.tar` does.

Source: update_summary in timm/utils/summary.py: `epoch`, then columns that begin with `train_` and
`eval_`, then perhaps `lr`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.sources.log import LogKind
from ckptsel.sources.reading.csv_table import table_rows, titles_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import LogRow

_KEY = "epoch"


def _recognise(head: bytes) -> bool:
    titles = titles_of(head)
    return titles[:1] == [_KEY] and any(title.startswith("eval_") for title in titles)


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    return table_rows(path, findings, "epoch", _KEY)


KIND = LogKind(
    "timm", _recognise, _read, {"epoch": 0}, "timm counts epochs from 0, in names and in its table"
)
