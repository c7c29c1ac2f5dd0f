"""ultralytics' `results.csv`: one row an epoch; titles and cells are padded in older versions.

Source: save_metrics and save_model in ultralytics/engine/trainer.py: the table counts epochs from
1, and `epoch12.pt` from 0. YOLOv5's table counts from 0. The first row tells which it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.sources.csv_table import table_rows, titles_of
from ckptsel.sources.log import LogKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import LogRow

_KEY = "epoch"


def _recognise(head: bytes) -> bool:
    titles = titles_of(head)
    return titles[:1] == [_KEY] and any(title.startswith("metrics/") for title in titles)


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    base: int | None = None
    for row in table_rows(path, findings, "epoch", _KEY):
        if row.epoch is not None:
            base = (0 if row.epoch == 0 else 1) if base is None else base
            yield row._replace(epoch=row.epoch - base, shift=base)


KIND = LogKind(
    "ultralytics",
    _recognise,
    _read,
    {"epoch": 0},
    "ultralytics counts epochs from 0 in names and from 1 in its table, YOLOv5 from 0 in both",
)
