"""`ckptsel.jsonl`, which the callback `ckptsel.keras.BestCheckpoint` writes: it names the files.

A JSON object a line: `event` is `saved` or `removed`, `file` is relative to the log's folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.sources.log import LogKind, LogRow
from ckptsel.sources.reading.lines import first_line, lines
from ckptsel.sources.reading.width import is_too_wide
from ckptsel.training_log.events import Removed
from ckptsel.training_log.parse import event_of, is_newer, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckptsel.training_log.events import Saved


def _recognise(head: bytes) -> bool:
    return first_line(head).startswith("{")


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    bad = first_bad = newer = 0
    for place, line in enumerate(lines(path, findings), 1):
        record = record_of(line)
        if record is not None and is_newer(record):
            newer = newer or place
        elif record is not None and (found := event_of(record)) is not None:
            if is_too_wide(len(found[1]), path, findings, what=f"line {place}"):
                return
            yield _row(place, *found)
        elif line.strip():
            first_bad = first_bad or place
            bad += 1
    if bad:
        said = f"lines that could not be read: {bad}, the first is line {first_bad}"
        findings.append(Finding("log-malformed", said, path, strict=True))
    if newer:
        said = f"line {newer} and perhaps others are of another version of ckptsel, and not read"
        findings.append(Finding("log-malformed", said, path, strict=True))


def _row(place: int, event: Saved | Removed, texts: Mapping[str, str]) -> LogRow:
    if isinstance(event, Removed):
        return LogRow(place, (), (), file=event.file, is_gone=True)
    return LogRow(
        place,
        tuple(texts),
        tuple(texts.values()),
        event.epoch,
        event.step,
        event.file,
        event.mark,
    )


KIND = LogKind("ckptsel", _recognise, _read, {"file": None})
