"""Rankings of what is in the current folder, in short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.search.query import Query
from ckptsel.selection import select

if TYPE_CHECKING:
    from ckptsel.checkpoint import Ranking


def ranked(
    monitor: str | None = "val_loss", keep: int | None = None, *, rank: bool = True, **options: Any
) -> Ranking:
    """Rank what is in the current folder."""
    return select(Query(monitor=monitor, **options), keep=keep, rank=rank)


def places(ranking: Ranking) -> list[tuple[int | None, str]]:
    """The rows, as rank and path."""
    return [(row.rank, row.checkpoint.path.removeprefix("./")) for row in ranking.rows]


def codes(ranking: Ranking) -> set[str]:
    """What was said."""
    return {finding.code for finding in ranking.findings}


def values(ranking: Ranking) -> dict[str, tuple[object, str]]:
    """The monitor's value of each row, and where it stands."""
    return {
        row.checkpoint.name: (row.metric.value, row.metric.source)
        for row in ranking.rows
        if row.metric
    }
