"""Orbax's `<step>/metrics/metrics`: a JSON object, written where `best_fn` was set.

Source: orbax/checkpoint/_src/handlers/json_checkpoint_handler.py and CheckpointManager: the metrics
are an item of the step, so that the folder that holds them is the checkpoint.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.sources.json_text import document, texts
from ckptsel.sources.lines import encoding_of
from ckptsel.sources.log import LogKind, LogRow, names_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def _recognise(head: bytes) -> bool:
    return head.decode(encoding_of(head), "replace").lstrip().startswith("{")


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    step = os.path.dirname(os.path.dirname(path))
    return _read_together(os.path.dirname(step), (path,), findings)


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    for path in paths:
        try:
            found = document(path, findings)
        except OSError as error:
            # The other steps are still there.
            said = f"cannot be read: {error.strerror}"
            findings.append(Finding("log-unreadable", said, path, strict=True))
            continue
        if not isinstance(found, dict):
            continue
        inner = os.path.relpath(path, run or os.curdir).replace(os.sep, "/")
        folder = inner.rpartition("/")[0].rpartition("/")[0]
        values = texts(found)
        places = [f"{inner}:1"] * len(values)
        yield LogRow(1, names_of(*values), [*values.values()], file=folder, places=places)


KIND = LogKind("orbax", _recognise, _read, {"file": None}, read_together=_read_together)
