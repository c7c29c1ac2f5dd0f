"""Orbax's `<step>/metrics/metrics`: a JSON object, written where `best_fn` was set.

Source: orbax/checkpoint/_src/handlers/json_checkpoint_handler.py and CheckpointManager: the metrics
are an item of the step, so that the folder that holds them is the checkpoint.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from ckptsel.sources.log import LogKind, LogRow, names_of
from ckptsel.sources.reading.json_text import document, is_object, texts
from ckptsel.sources.reading.together import alone, each_file
from ckptsel.sources.reading.width import is_too_wide

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.checkpoint import Finding


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    return chain.from_iterable(each_file(run, paths, findings, _row))


def _row(path: str, inner: str, findings: list[Finding]) -> Iterator[LogRow]:
    found = document(path, findings)
    if isinstance(found, dict):
        folder = inner.rpartition("/")[0].rpartition("/")[0]
        values = texts(found)
        if is_too_wide(len(values), path, findings):
            return
        places = [f"{inner}:1"] * len(values)
        yield LogRow(1, names_of(*values), [*values.values()], file=folder, places=places)


KIND = LogKind(
    "orbax", is_object, alone(_read_together, 3), {"file": None}, read_together=_read_together
)
