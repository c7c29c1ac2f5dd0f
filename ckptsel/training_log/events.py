"""What a line of `ckptsel.jsonl` says, and how it is written."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.training_log.identity import Mark

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1


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

    @property
    def mark(self) -> Mark:
        """By which the file can be told from others."""
        return Mark(self.size_bytes, self.mtime_ns, self.sha256)

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
