"""Who stands where: from the monitor's values to checkpoints in their order, and the rest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Ranked
from ckptsel.naming.read import as_number
from ckptsel.ranking.columns import rounding
from ckptsel.ranking.order import not_rankable, order, shortlist
from ckptsel.ranking.remarks import looked_in
from ckptsel.ranking.ties import tie_findings
from ckptsel.search.places import bare_checkpoint, checkpoint_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckptsel.checkpoint import Checkpoint, Monitor
    from ckptsel.ranking.columns import Column
    from ckptsel.ranking.monitor import MonitorFields
    from ckptsel.search.query import Query
    from ckptsel.search.survey import Survey

# More rows than asked for are looked at, since some may turn out to be links to others, or gone.
_SPARE = 16


def ranked(
    found: Survey,
    columns: list[Column],
    fields: MonitorFields,
    monitor: Monitor,
    query: Query,
    keep: int | None,
) -> list[Ranked]:
    """The best, in order; only these become checkpoints, and are looked at on the disk.

    With `query.per_run`, the best of each run; with `query.each_run` all, and what is to be said of
    each run's best.

    Raises:
        TieError: for a tie, if `query.tie` is `error`.
    """
    groups: list[list[Checkpoint]] = []
    for wanted in (None,) if keep is None else (keep + _SPARE, None):
        ordered = _ordered(columns, monitor, query, wanted)
        existing = found.existing(ordered)
        groups = _by_run(existing) if query.per_run or query.each_run else [existing]
        count = len(groups) if query.per_run else len(existing)
        # Too many were gone, or links to others: then all are looked at.
        if wanted is None or count >= wanted - _SPARE or len(ordered) < wanted:
            break
    # Of those that are kept, the last is the runner-up. Of each run, one is taken.
    taken = 1 if query.per_run or query.each_run or keep is None else max(1, keep - 1)
    for group in groups:
        found.findings += tie_findings(group, fields, monitor, query.tie, taken)
    best = [group[0] for group in groups if group] if query.per_run else existing
    if query.per_run and keep is not None and keep > 1:
        # Between the best of the last run that is taken and that of the first one left.
        edge = best[keep - 2 : keep]
        found.findings += tie_findings(edge, fields, monitor, query.tie)
    tied = {c.path for group in groups for c in _tied(group, fields)}
    return [
        Ranked(rank, checkpoint, fields.metric_of(checkpoint), tied=checkpoint.path in tied)
        for rank, checkpoint in enumerate(best[:keep], 1)
    ]


def _ordered(
    columns: list[Column], monitor: Monitor, query: Query, wanted: int | None
) -> list[Checkpoint]:
    slack = rounding(columns)
    picked = [(c, row) for c in columns for row in shortlist(c.values, monitor.mode, wanted, slack)]
    if not query.per_run:
        values = [column.values[row] for column, row in picked]
        picked = [picked[i] for i in shortlist(values, monitor.mode, wanted, slack)]
    return order(
        [(column.values[row], checkpoint_of(column.place, row)) for column, row in picked],
        monitor.mode,
        earlier=query.tie == "earlier",
        per_run=query.per_run or query.each_run,
    )


def _by_run(checkpoints: Iterable[Checkpoint]) -> list[list[Checkpoint]]:
    runs: dict[str, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        runs.setdefault(checkpoint.run, []).append(checkpoint)
    return [*runs.values()]


def _tied(group: list[Checkpoint], fields: MonitorFields) -> Iterator[Checkpoint]:
    """Those whose value another of the group has as well."""
    values = [as_number(metric.value) if (metric := fields.metric_of(c)) else None for c in group]
    times = Counter(values)
    return (c for c, value in zip(group, values, strict=True) if times[value] > 1)


def rest(
    found: Survey, placed: list[Ranked], fields: MonitorFields, monitor: Monitor
) -> list[Ranked]:
    """The checkpoints without a place, in the order of their paths, each with the reason."""
    paths = {row.checkpoint.path for row in placed}
    without = []
    for checkpoint in everything(found):
        if checkpoint.path not in paths:
            metric = fields.metric_of(checkpoint)
            reason = not_rankable(metric, monitor.name, looked_in(found))
            reason = reason or "a printed zero may mean that it was missing"
            without.append(Ranked(None, checkpoint, metric, reason))
    return without


def everything(found: Survey) -> list[Checkpoint]:
    """All checkpoints in the order of their paths."""
    # Of several links to one file, the one whose name says something is shown.
    said = (checkpoint_of(place, i) for place in found.read for i in range(len(place.table.names)))
    checkpoints = found.existing([*_by_path(said), *_by_path(map(bare_checkpoint, found.unread))])
    return _by_path(checkpoints)


def _by_path(checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    return sorted(checkpoints, key=lambda checkpoint: checkpoint.path)
