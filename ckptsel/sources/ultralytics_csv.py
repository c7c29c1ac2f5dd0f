"""ultralytics' and YOLOv5's `results.csv`: one row an epoch; older versions pad titles and cells.

Source: save_metrics and save_model in ultralytics/engine/trainer.py: `epoch12.pt` counts from 0,
and so did the table at first; since it has the column `time`, and shortly before, it counts from 1.
utils/loggers/__init__.py of YOLOv5: both count from 0. A table that begins with neither 0
nor 1, as after a resumed training, is known by its columns, or not at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.sources.log import LogKind
from ckptsel.sources.reading.csv_table import table_rows, titles_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.sources.log import LogRow

_KEY = "epoch"
_TIME = "time"
# Learning rates of a detector or a classifier, and the mean precision, as only YOLOv5 calls them.
_OF_YOLOV5 = re.compile(r"x/lr\d|lr/\d|metrics/mAP_0\.5")


def _recognise(head: bytes) -> bool:
    titles = titles_of(head)
    return titles[:1] == [_KEY] and any(title.startswith("metrics/") for title in titles)


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    base: int | None = None
    names: Sequence[str] = ()
    before = 0
    for row in table_rows(path, findings, "epoch", _KEY):
        if row.epoch is None:
            continue
        if row.names != names:
            base = _base(row.epoch, row.names)
        elif row.epoch < before:
            base = _base_again(row.epoch, row.names, base)
        names, before = row.names, row.epoch
        if base is None:
            said = f"line {row.place} begins with epoch {row.epoch}, and nothing tells whether it"
            said += " counts from 0 or from 1: not used from there on"
            findings.append(Finding("log-base-assumed", said, path, strict=True))
            return
        yield row._replace(epoch=row.epoch - base, shift=base)


def _base(first: int, titles: Sequence[str]) -> int | None:
    """What the table counts its first epoch; None if that cannot be known."""
    if first == 0 or any(map(_OF_YOLOV5.match, titles)):
        return 0
    return 1 if first == 1 or _TIME in titles else None


def _base_again(first: int, titles: Sequence[str], base: int | None) -> int | None:
    """The same where a table of the same titles goes on with an earlier epoch.

    With 0 or 1 another training begins, or, where 0 was the first one, it was resumed at 1; with
    any other it was resumed, and counts on.
    """
    if first > 1:
        return base
    again = _base(first, titles)
    return None if first == 1 and again != base else again


KIND = LogKind(
    "ultralytics",
    _recognise,
    _read,
    {"epoch": 0},
    "ultralytics counts epochs from 0 in names and from 1 in its table, YOLOv5 from 0 in both",
)
