"""MLflow's file store: `mlruns/<experiment>/<run>/metrics/val_loss`: `timestamp value step`.

Source: mlflow/store/tracking/file_store.py: a file a metric, a slash in its name makes a folder;
`timestamp` is in milliseconds. Newer versions write the data set's name and digest behind. `step`
is whatever was given to it: the epoch with MLflow's Keras callback, the global step with Lightning.
"""

from __future__ import annotations

import os
import re
from heapq import merge
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.sources.lines import first_line, lines
from ckptsel.sources.log import LogKind, number, whole
from ckptsel.sources.moments import Part, moments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.sources.log import LogRow

_LINE = re.compile(r"(\d{9,16}) (\S+) (-?\d+)(?: \S.*)?")


def _recognise(head: bytes) -> bool:
    return _LINE.fullmatch(first_line(head).rstrip("\r\n")) is not None


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    return _read_together(os.path.dirname(path), (path,), findings)


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    files = [_parts(run, path, findings) for path in paths]
    # In the order of time, so that values of one step meet, and those of an earlier start do not.
    parts = (part for _, part in merge(*files, key=lambda each: each[0]))
    for moment in moments(parts):
        yield moment.row()


def _parts(run: str, path: str, findings: list[Finding]) -> Iterator[tuple[int, Part]]:
    inner = os.path.relpath(path, run or os.curdir).replace(os.sep, "/")
    metric = f"/{inner}".rpartition("/metrics/")[2].lstrip("/")
    bad = first_bad = 0
    try:
        for line, text in enumerate(lines(path, findings), 1):
            found = _LINE.fullmatch(text.rstrip("\r\n"))
            step = whole(found[3]) if found else None
            if found and step is not None and number(found[2]) is not None:
                place = f"{inner}:{line}"
                yield int(found[1]), Part(place, {metric: found[2]}, step, step)
            elif text.strip():
                first_bad = first_bad or line
                bad += 1
    except OSError as error:
        # The other metrics are still there.
        said = f"cannot be read: {error.strerror}"
        findings.append(Finding("log-unreadable", said, path, strict=True))
    if bad:
        said = f"lines that are no metric of MLflow: {bad}, the first is line {first_bad}"
        findings.append(Finding("log-malformed", said, path, strict=True))


KIND = LogKind(
    "mlflow",
    _recognise,
    _read,
    {"epoch": None, "step": None},
    read_together=_read_together,
    only_by_values=frozenset({"epoch", "step"}),
)
