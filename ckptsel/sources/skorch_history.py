"""skorch's `history.json`: a list with an object for each epoch, counted from 1.

Source: skorch/history.py and callbacks/training.py: names are made of the same counter, as
`params_{last_epoch[epoch]}.pt`. What a list or a truth value says is no metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.sources.log import LogKind
from ckptsel.sources.reading.entries import keyed
from ckptsel.sources.reading.json_text import document, is_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import LogRow

_NO_METRICS = frozenset({"dur", "train_batch_count", "valid_batch_count"})


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    found = document(path, findings)
    entries = found if isinstance(found, list) else []
    metrics = [
        {name: value for name, value in entry.items() if name not in _NO_METRICS}
        if isinstance(entry, dict)
        else {}
        for entry in entries
    ]
    return keyed(enumerate(metrics, 1), "epoch", "epoch", path, findings)


KIND = LogKind(
    "skorch",
    is_list,
    _read,
    {"epoch": 0},
    "skorch counts epochs from 1, in names and in its history",
    unit="entry",
    begins=1,
)
