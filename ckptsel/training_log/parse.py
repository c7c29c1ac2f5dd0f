"""A line of `ckptsel.jsonl`, which may be a stranger's, as what it says."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, Any

from ckptsel.strict_json import Json
from ckptsel.training_log.events import SCHEMA, Removed, Saved

if TYPE_CHECKING:
    from collections.abc import Mapping

# No line that training writes is near it; a file of strangers may be one endless line.
LONGEST_BYTES = 2**20
_NOT_FINITE = ("nan", "inf", "-inf")
# More digits than any counter has; Python takes long for the conversion of many.
_MOST_DIGITS = 18


class _Number(str):
    """A number as it stands in a line: its digits are not to be lost, nor to be too many."""

    __slots__ = ()


def record_of(line: str) -> dict[str, Any] | None:
    """The object on a line, its numbers as the texts that stand there; None if there is none."""
    if len(line) > LONGEST_BYTES:
        return None
    reader = Json(_Number)
    try:
        found = reader.load(line)
    except ValueError:
        return None
    # ckptsel writes no key twice, and readers would take the one value or the other.
    return found if isinstance(found, dict) and not reader.twice else None


def is_newer(record: Mapping[str, Any]) -> bool:
    """Whether another version of ckptsel has written it."""
    return record.get("schema") != str(SCHEMA)


def event_of(record: Mapping[str, Any]) -> tuple[Saved | Removed, Mapping[str, str]] | None:
    """What a record says, and the metrics as the texts that stand there.

    Returns:
        None if it is of another version, or a key is not what it should be. Only `event`, `file`
        and `metrics` must be there.
    """
    file, time = record.get("file", ""), record.get("time", "")
    if is_newer(record) or not (_is_text(file) and _is_text(time) and _is_plain(file)):
        return None
    if record.get("event") == "removed":
        return Removed(file, time), {}
    return _saved(record, file, time) if record.get("event") == "saved" else None


def read_line(line: bytes) -> Saved | Removed | None:
    """What a line says; None for half a line, and for anything else that is none of these."""
    record = record_of(line.decode("utf-8", "surrogateescape"))
    found = event_of(record) if record else None
    return found[0] if found else None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, _Number)


def _is_plain(file: str) -> bool:
    """Whether a name can be a file's, and is the only one that it has in this log."""
    try:
        os.fsencode(file)
    except UnicodeEncodeError:
        return False
    return bool(file) and posixpath.normpath(file) == file


def _saved(
    record: Mapping[str, Any], file: str, time: str
) -> tuple[Saved, Mapping[str, str]] | None:
    names = ("keras", "monitor", "mode", "pattern", "sha256")
    texts = {name: record.get(name, "") for name in names}
    metrics, odd = record.get("metrics"), record.get("nonfinite") or {}
    if not all(map(_is_text, texts.values())):
        return None
    if not isinstance(metrics, dict) or not isinstance(odd, dict):
        return None
    try:
        epoch, size = _count(record.get("epoch", _NONE)), _count(record.get("size_bytes", _NONE))
        step = _count(record.get("step") or _NONE)
        written = _count(record.get("mtime_ns") or _NONE)
    except ValueError:
        return None
    words = {name: text for name, text in odd.items() if metrics.get(name) is None}
    found = {
        name: text
        for name, text in {**metrics, **words}.items()
        if isinstance(text, _Number) or text in _NOT_FINITE
    }
    saved = Saved(
        file=file,
        epoch=epoch,
        step=step,
        time=time,
        size_bytes=-1 if size is None else size,
        # One of more digits than there are numbers for is infinite.
        metrics={name: float(text) for name, text in found.items()},
        mtime_ns=written,
        **texts,
    )
    return saved, found


_NONE = _Number("")


def _count(number: object) -> int | None:
    """A whole number; None where there is none. Raises ValueError for anything else."""
    if number is _NONE:
        return None
    if not isinstance(number, _Number) or len(number) > _MOST_DIGITS + 1:
        raise ValueError(number)
    return int(number)
