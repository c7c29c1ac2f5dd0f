"""`ckptsel.jsonl`: a line for each checkpoint that training saved or removed, beside them.

The schema is written down in docs/keras.md. Lines are only ever added.
"""

from __future__ import annotations

import json
import math
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has none
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOG_NAME = "ckptsel.jsonl"
SCHEMA = 1

# No line that training writes is near it; a file of strangers may be one endless line.
_LONGEST_BYTES = 2**20
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Saved(NamedTuple):
    """A checkpoint that was about to get its name: the line comes before the file.

    Attributes:
        file: relative to the log's folder, with `/`.
        epoch: as in the file's name: from 1.
        step: the optimizer's iterations; None without an optimizer.
        time: ISO 8601, UTC.
        keras: the version.
        size_bytes: the file's.
        monitor: the metric that decides which are kept.
        mode: `min` or `max`.
        metrics: every value that was logged, to its last digit.
    """

    file: str
    epoch: int
    step: int | None
    time: str
    keras: str
    size_bytes: int
    monitor: str
    mode: str
    metrics: Mapping[str, float]

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


def read_line(line: bytes) -> Saved | Removed | None:
    """What a line says; None for half a line, and for anything else that is none of these."""
    if len(line) > _LONGEST_BYTES:
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        return None
    file, time = record.get("file"), record.get("time")
    if not isinstance(file, str) or not isinstance(time, str):
        return None
    if record.get("event") == "removed":
        return Removed(file, time)
    return _saved(record, file, time) if record.get("event") == "saved" else None


def _saved(record: Mapping[str, Any], file: str, time: str) -> Saved | None:
    epoch, step, size = (record.get(name) for name in ("epoch", "step", "size_bytes"))
    texts = [record.get(name) for name in ("keras", "monitor", "mode")]
    metrics, odd = record.get("metrics"), record.get("nonfinite", {})
    whole = isinstance(epoch, int) and isinstance(size, int) and isinstance(step, int | None)
    if not (whole and all(isinstance(text, str) for text in texts)):
        return None
    if not isinstance(metrics, dict) or not isinstance(odd, dict):
        return None
    values: dict[str, float] = {}
    for name, value in metrics.items():
        found = _NOT_FINITE.get(str(odd.get(name))) if value is None else value
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            values[name] = float(found)
    keras, monitor, mode = map(str, texts)
    return Saved(file, int(epoch or 0), step, time, keras, int(size or 0), monitor, mode, values)


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

    def news(self) -> Iterator[Saved | Removed]:
        """What was added since the last call; at first, all there is.

        Raises:
            OSError: if it is there, and cannot be read.
        """
        if not os.path.exists(self.path):
            return
        with open(self.path, "rb") as file:
            file.seek(self._read_bytes)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # half a line: it may become a whole one
                self._read_bytes += len(line)
                event = read_line(line)
                if event is not None:
                    yield event

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
