"""detectron2's `metrics.json`: a JSON object a line, each with its `iteration`.

Source: JSONWriter in detectron2/utils/events.py, which appends to the file of an earlier start, and
PeriodicCheckpointer: `model_0004999.pth` is saved after the iteration 4999, as the log counts it.
Forks that count from 1 write 5000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.sources.log import LogKind, whole
from ckptsel.sources.reading.json_text import objects, texts
from ckptsel.sources.reading.lines import first_line
from ckptsel.sources.reading.moments import Part, moments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.sources.log import LogRow

_KEY = "iteration"
_NO_METRICS = frozenset({_KEY, "time", "data_time", "eta_seconds", "rank_data_time"})


def _recognise(head: bytes) -> bool:
    return first_line(head).startswith("{") and b'"iteration"' in head


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    for moment in moments(_parts(path, findings), path, findings):
        yield moment.row()


def _parts(path: str, findings: list[Finding]) -> Iterator[Part]:
    bad = first_bad = 0
    for line, found in objects(path, findings):
        values = texts(found)
        step = whole(values.get(_KEY))
        if step is None:
            first_bad = first_bad or line
            bad += 1
            continue
        metrics = {name: text for name, text in values.items() if name not in _NO_METRICS}
        yield Part(str(line), metrics, step=step)
    if bad:
        said = f"{bad} lines tell no iteration, the first is line {first_bad}"
        findings.append(Finding("log-malformed", said, path, strict=True))


KIND = LogKind(
    "detectron2",
    _recognise,
    _read,
    {"step": 0},
    "detectron2's names count iterations as its log does",
)
