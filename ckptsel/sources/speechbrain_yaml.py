"""SpeechBrain's `CKPT.yaml`, in the folder of each checkpoint: what was given to `meta`.

Source: speechbrain/utils/checkpoints.py: beside it, `unixtime` and `end-of-epoch` are written.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.sources.log import LogKind, LogRow, names_of, number, whole
from ckptsel.sources.yaml_text import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NO_METRICS = frozenset({"unixtime", "end-of-epoch", "epoch"})


def _recognise(head: bytes) -> bool:
    return bool(head.strip())


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    return _read_together(os.path.dirname(os.path.dirname(path)), (path,), findings)


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    for path in paths:
        try:
            found = mapping(path, findings)
        except OSError as error:
            # The other checkpoints are still there.
            said = f"cannot be read: {error.strerror}"
            findings.append(Finding("log-unreadable", said, path, strict=True))
            continue
        inner = os.path.relpath(path, run or os.curdir).replace(os.sep, "/")
        values = {
            name: text
            for name, text in found.items()
            if name not in _NO_METRICS and number(text) is not None
        }
        yield LogRow(
            1,
            names_of(*values),
            [*values.values()],
            whole(found.get("epoch")),
            file=inner.rpartition("/")[0],
            places=[f"{inner}:{place}" for place in _lines(path, values)],
        )


def _lines(path: str, names: Sequence[str] | dict[str, str]) -> Iterator[int]:
    """The line that each name begins."""
    with open(path, encoding="utf-8", errors="replace") as file:
        starts = [line.partition(":")[0].strip(" '\"") for line in file]
    for name in names:
        yield starts.index(name) + 1 if name in starts else 1


KIND = LogKind("speechbrain", _recognise, _read, {"file": None}, read_together=_read_together)
