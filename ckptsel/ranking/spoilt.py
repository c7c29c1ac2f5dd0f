"""Checkpoints that have no value because what their log says is no number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckptsel.ranking.columns import Column

# A log's text may be of any length.
_SHOWN = 40


def no_numbers(columns: Iterable[Column], name: str) -> list[Finding]:
    """Say it: the best may be among them.

    Args:
        columns: the monitor's values.
        name: what the user calls it.
    """
    found = [each for column in columns for each in _spoilt(column)]
    if not found:
        return []
    path, text, source = found[0]
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    said = f"{name} is {shown!r} in {source}, which is no number: it does not compete"
    if len(found) > 1:
        said += f"; checkpoints of which that is so: {len(found)}"
    return [Finding("log-no-number", said, path, strict=True)]


def _spoilt(column: Column) -> Iterator[tuple[str, str, str]]:
    """Path, text and source of what no name and no other log has a value for."""
    if len(column.finite) == len(column.values):
        return
    without = {row for row, value in enumerate(column.values) if math.isnan(value)}
    without -= column.from_logs
    for log in column.place.logs:
        for row, text, source in log.spoilt(column.field):
            if row in without:
                without.discard(row)
                yield column.place.folder.join(column.names[row]), text, source
