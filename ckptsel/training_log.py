"""`ckptsel.jsonl`: a line for each checkpoint that training saved or removed, beside them.

The schema is written down in docs/keras.md. Lines are only ever added.
"""

from __future__ import annotations

import json
import math
import os
import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from ckptsel.storage import open_regular

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has none
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

LOG_NAME = "ckptsel.jsonl"
SCHEMA = 1

# No line that training writes is near it; a file of strangers may be one endless line.
_LONGEST_BYTES = 2**20
_NOT_FINITE = ("nan", "inf", "-inf")
# More digits than any counter has; Python takes long for the conversion of many.
_MOST_DIGITS = 18
# What is compared to see that the log is still the one that was read.
_TAIL_BYTES = 256


class Saved(NamedTuple):
    """A checkpoint that was about to get its name: the line comes before the file.

    Attributes:
        file: relative to the log's folder, with `/`.
        epoch: as in the file's name: from 1; None if the line tells none.
        step: the optimizer's iterations; None without an optimizer.
        time: ISO 8601, UTC.
        keras: the version.
        size_bytes: the file's; -1 if the line tells none.
        monitor: the metric that decides which are kept.
        mode: `min` or `max`.
        metrics: every value that was logged, to its last digit.
        pattern: how the callback's files are called that saved it; "" if the line tells none.
        mtime_ns: when the file was written, in nanoseconds since 1970; None if unknown.
        sha256: of the file, as hexadecimal digits; "" if unknown.
    """

    file: str
    epoch: int | None
    step: int | None
    time: str
    keras: str
    size_bytes: int
    monitor: str
    mode: str
    metrics: Mapping[str, float]
    pattern: str = ""
    mtime_ns: int | None = None
    sha256: str = ""

    def line(self) -> str:
        """The line of JSON, which knows no NaN."""
        return _line(
            {
                "schema": SCHEMA,
                "event": "saved",
                **self._asdict(),
                "metrics": {
                    name: value if math.isfinite(value) else None
                    for name, value in self.metrics.items()
                },
                "nonfinite": {
                    name: repr(value)
                    for name, value in self.metrics.items()
                    if not math.isfinite(value)
                },
            }
        )


class Removed(NamedTuple):
    """A checkpoint that is gone, or never came: what was said of `file` before is void.

    Attributes:
        file: see `Saved`.
        time: see `Saved`.
    """

    file: str
    time: str

    def line(self) -> str:
        """The line of JSON."""
        return _line({"schema": SCHEMA, "event": "removed", **self._asdict()})


def _line(record: Mapping[str, object]) -> str:
    return json.dumps(record, allow_nan=False) + "\n"


class _Number(str):
    """A number as it stands in a line: its digits are not to be lost, nor to be too many."""

    __slots__ = ()


def record_of(line: str) -> dict[str, Any] | None:
    """The object on a line, its numbers as the texts that stand there; None if there is none."""
    if len(line) > _LONGEST_BYTES:
        return None
    try:
        found = json.loads(line, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


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


class TrainingLog:
    """The log of one folder.

    Attributes:
        folder: where it stands, with the checkpoints.
        path: its own path.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.path = os.path.join(folder, LOG_NAME)
        self._read_bytes = 0
        self._tail = b""
        self._is_within_long = False

    def news(self) -> Iterator[Saved | Removed]:
        """What was added since the last call; all there is at first, and when the log is another.

        Raises:
            OSError: if it is there, and cannot be read, or is no regular file.
        """
        if not os.path.lexists(self.path):
            return
        with open_regular(self.path) as file:
            self._go_on(file)
            while line := file.readline(_LONGEST_BYTES):
                is_whole = line.endswith(b"\n")
                if not is_whole and len(line) < _LONGEST_BYTES:
                    break  # half a line: it may become a whole one
                self._read_bytes += len(line)
                self._tail = line[-_TAIL_BYTES:]
                event = None if self._is_within_long or not is_whole else read_line(line)
                self._is_within_long = not is_whole
                if event is not None:
                    yield event

    def _go_on(self, file: BinaryIO) -> None:
        """To where the reading ended; to the start if the log was replaced or cut since then.

        Its inode would not tell: a new file often gets that of the one that was removed.
        """
        file.seek(self._read_bytes - len(self._tail))
        if file.read(len(self._tail)) != self._tail:
            file.seek(0)
            self._read_bytes, self._tail, self._is_within_long = 0, b"", False

    def append(self, event: Saved | Removed) -> None:
        """Add a line, down to the disk.

        Raises:
            OSError: if that is not possible. There may be half a line then, which spoils nothing.
        """
        with open(self.path, "ab+") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
            # Somebody was killed within a line.
            start = b"\n" if end and file.read(1) != b"\n" else b""
            file.write(start + event.line().encode())
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Let no other training write here meanwhile, where the system knows locks.

        Yields:
            Whether there is a lock.

        Raises:
            OSError: if the log cannot be created.
        """
        with open(self.path, "ab") as file:
            held = False
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    held = True
                except OSError:
                    pass  # some network file systems have none
            yield held
