"""MLflow's file store: `mlruns/<experiment>/<run>/metrics/val_loss`: `timestamp value step`.

Source: mlflow/store/tracking/file_store.py: a file a metric, a slash in its name makes a folder;
`timestamp` is in milliseconds. Newer versions write the data set's name and digest behind. `step`
is whatever was given to it: the epoch with MLflow's Keras callback, the global step with Lightning.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.sources.log import LogKind, number, whole
from ckptsel.sources.reading.lines import PIECE, first_line, pieces
from ckptsel.sources.reading.moments import Part
from ckptsel.sources.reading.reopened import reopened
from ckptsel.sources.reading.together import alone, each_file, inner_path
from ckptsel.sources.reading.trainings import Written, moments_by_training

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckptsel.sources.log import LogRow

# Characters that are read at a time of each of many files, at least.
_LEAST = 2**12
_LINE = re.compile(r"(\d{9,16}) (\S+) (-?\d+)(?: \S.*)?")


def _recognise(head: bytes) -> bool:
    return _LINE.fullmatch(first_line(head).rstrip("\r\n")) is not None


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    # By turns, and there may be thousands.
    size = max(_LEAST, PIECE // len(paths))

    def parts(path: str, inner: str, findings: list[Finding]) -> Iterator[tuple[int, Part]]:
        with reopened(path, size) as file:
            text = chain.from_iterable(pieces(file, path, findings, size=size))
            yield from _parts(text, path, inner, findings)

    files = each_file(run, paths, findings, parts)
    # In the order of time, so that values of one step meet, and those of an earlier start do not.
    # A run's files have as many names as there are metrics, and none follows another.
    inner = [inner_path(run, path) for path in paths]
    written = (
        Written(_run_and_metric(path)[0], path, found)
        for path, found in zip(inner, files, strict=True)
    )
    for _, moment in moments_by_training(written, run, findings):
        yield moment.row()


def _run_and_metric(inner: str) -> tuple[str, str]:
    """The run's folder of MLflow, and the metric's name."""
    run, _, metric = f"/{inner}".rpartition("/metrics/")
    return run, metric.lstrip("/")


def _parts(
    text: Iterable[str], path: str, inner: str, findings: list[Finding]
) -> Iterator[tuple[int, Part]]:
    _, metric = _run_and_metric(inner)
    bad = first_bad = 0
    for number_of_line, line in enumerate(text, 1):
        found = _LINE.fullmatch(line.rstrip("\r\n"))
        step = whole(found[3]) if found else None
        if found and step is not None and number(found[2]) is not None:
            place = f"{inner}:{number_of_line}"
            yield int(found[1]), Part(place, {metric: found[2]}, step, step)
        elif line.strip():
            first_bad = first_bad or number_of_line
            bad += 1
    if bad:
        said = f"lines that are no metric of MLflow: {bad}, the first is line {first_bad}"
        findings.append(Finding("log-malformed", said, path, strict=True))


KIND = LogKind(
    "mlflow",
    _recognise,
    alone(_read_together),
    {"epoch": None, "step": None},
    read_together=_read_together,
    only_by_values=frozenset({"epoch", "step"}),
)
