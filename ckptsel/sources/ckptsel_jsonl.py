"""`ckptsel.jsonl`, which the callback `ckptsel.keras.BestCheckpoint` writes: it names the files.

A JSON object a line: `event` is `saved` or `removed`, `file` is relative to the log's folder.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.sources.lines import first_line, lines
from ckptsel.sources.log import LogKind, LogRow, whole
from ckptsel.training_log import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator


def _recognise(head: bytes) -> bool:
    return first_line(head).startswith("{")


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    bad = first_bad = newer = 0
    for place, line in enumerate(lines(path, findings), 1):
        entry = _entry(line)
        if entry is not None and _is_newer(entry):
            newer = newer or place
        elif entry is not None and (row := _row(place, entry)) is not None:
            yield row
        elif line.strip():
            first_bad = first_bad or place
            bad += 1
    if bad:
        said = f"{bad} lines could not be read, the first is line {first_bad}"
        findings.append(Finding("log-malformed", said, path, strict=True))
    if newer:
        said = f"line {newer} and perhaps others are of another version of ckptsel, and not read"
        findings.append(Finding("log-malformed", said, path, strict=True))


def _is_newer(entry: dict[str, Any]) -> bool:
    schema = entry.get("schema")
    return not isinstance(schema, str) or whole(schema) != SCHEMA


def _entry(line: str) -> dict[str, Any] | None:
    """The object on a line, its numbers as the texts that stand there; None if there is none."""
    try:
        found = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _row(place: int, entry: dict[str, Any]) -> LogRow | None:
    file, event = entry.get("file"), entry.get("event")
    if not isinstance(file, str) or not file or event not in ("saved", "removed"):
        return None
    if event == "removed":
        return LogRow(place, (), (), file=file, is_gone=True)
    metrics, words = entry.get("metrics"), entry.get("nonfinite") or {}
    if not isinstance(metrics, dict) or not isinstance(words, dict):
        return None
    values = {**metrics, **words}
    texts = {name: text for name, text in values.items() if isinstance(text, str)}
    return LogRow(
        place,
        tuple(texts),
        tuple(texts.values()),
        _counted(entry.get("epoch")),
        _counted(entry.get("step")),
        file,
        size if (size := _counted(entry.get("size_bytes"))) is not None else -1,
    )


def _counted(text: object) -> int | None:
    return whole(text) if isinstance(text, str) else None


KIND = LogKind("ckptsel", _recognise, _read, {"file": None})
