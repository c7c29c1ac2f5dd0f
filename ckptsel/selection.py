"""The road: a query goes in, a ranking comes out."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Checkpoint, Finding, Monitor, Ranked, Ranking
from ckptsel.errors import AmbiguousMonitorError, MonitorNotFoundError, StrictError
from ckptsel.monitor import Source, find_monitor, has_unlabelled
from ckptsel.naming.conventions import IGNITE_SIGN, LIGHTNING_ZERO
from ckptsel.naming.read import as_number
from ckptsel.naming.vocabulary import keras2_direction
from ckptsel.query import Query
from ckptsel.ranking import monitor_for, not_rankable, order, shortlist
from ckptsel.survey import Read, Survey, bare_checkpoint, checkpoint_of, survey
from ckptsel.ties import tie_findings
from ckptsel.traps import is_negated_loss, may_mean_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Query", "select"]

# More rows than asked for are looked at, since some may turn out to be links to others, or gone.
_SPARE = 16


@dataclass(frozen=True, slots=True)
class _Column:
    """The monitor's values in one table; NaN where there is no number."""

    read: Read
    values: list[float]

    @property
    def finite(self) -> list[float]:
        """The values that can be ranked."""
        if math.isfinite(sum(self.values)):
            return self.values  # one pass in C, and nearly always the case
        return [value for value in self.values if math.isfinite(value)]


def select(
    query: Query,
    *,
    keep: int | None = None,
    rank: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Ranking:
    """Find checkpoints and rank them.

    Args:
        query: what is asked for.
        keep: how many of the best are wanted; None for all, and for those without a rank.
        rank: whether to rank where no monitor is asked for.
        progress: is told now and then how many files have been seen.

    Returns:
        The ranking, best first.

    Raises:
        UsageError: for malformed patterns, an unknown direction, or a monitor that could be
            one of several values.
        LocationNotFoundError: if a location does not exist.
        NothingFoundError: if there is no checkpoint, none that a given pattern matches, or none
            with a usable value of the monitor.
        StrictError: if `query.strict`, and something had to be said.
    """
    found = survey(query, progress)
    _say_name_traps(found)
    if query.monitor is None and not rank:
        return _unranked(found, query)
    source = _source(found, query)
    columns = [
        _Column(read, read.table.numbers(field))
        for read in found.read
        if (field := source.field_of(read.table)) is not None
    ]
    monitor = _direction(source, columns, query, found)
    columns = _without_missing(columns, monitor, query, found)
    ranked = _ranked(columns, source, monitor, query, keep, found)
    if not ranked and keep is not None:
        # It may have been there, and was passed over for a reason.
        raise MonitorNotFoundError(
            f"no checkpoint has a finite {monitor.name}",
            details=tuple(finding.said for finding in found.findings if finding.strict),
            hint="`ckptsel list` shows what their names hold",
        )
    rest = [] if query.per_run or keep is not None else _rest(found, ranked, source, monitor)
    _say_valueless(found, columns, source)
    return _finished(found, query, monitor, [*ranked, *rest])


def _source(found: Survey, query: Query) -> Source:
    """Where the monitor's values stand."""
    try:
        source = find_monitor(found.tables, query.monitor)
    except MonitorNotFoundError as error:
        # It may stand in the very names that could not be read.
        error.details += tuple(finding.said for finding in found.findings if finding.strict)
        raise
    found.findings += source.findings
    return source


def _say_name_traps(found: Survey) -> None:
    traps = {t.pattern.trap for t in found.tables if t.pattern.trap}
    found.findings += [Finding(trap.code, trap.says) for trap in traps]


def _unranked(found: Survey, query: Query) -> Ranking:
    """All checkpoints in the order of their paths."""
    # Of several links to one file, the one whose name says something is shown.
    checkpoints = found.existing([*_by_path(_read(found)), *_by_path(_bare(found))])
    return _finished(found, query, None, [Ranked(None, c) for c in _by_path(checkpoints)])


def _read(found: Survey) -> Iterator[Checkpoint]:
    return (checkpoint_of(r, row) for r in found.read for row in range(len(r.table.names)))


def _bare(found: Survey) -> Iterator[Checkpoint]:
    return map(bare_checkpoint, found.unread)


def _by_path(checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    return sorted(checkpoints, key=lambda checkpoint: checkpoint.path)


def _direction(source: Source, columns: list[_Column], query: Query, found: Survey) -> Monitor:
    """The monitor's direction: as asked, or from the table; turned where ignite negated.

    Raises:
        AmbiguousMonitorError: if some of the values are negated, and others are not.
    """
    negated = [
        is_negated_loss(source.name, column.read.table.names, column.finite)
        for column in columns
        if column.finite
    ]
    if any(negated):
        if not all(negated):
            raise AmbiguousMonitorError(
                f"some names look like pytorch-ignite's, in which {source.name} stands negated,"
                " and others do not",
                hint="rank them apart, by their folders or by --include and --exclude",
            )
        found.findings.append(Finding(IGNITE_SIGN.code, IGNITE_SIGN.says, strict=True))
        return Monitor(source.name, "max", "pytorch-ignite's scores: higher is better")
    monitor = monitor_for(source.name, query.mode)
    if query.mode == "auto" and keras2_direction(source.name) != monitor.mode:
        other = "minimise" if monitor.mode == "max" else "maximise"
        said = f"Keras 2's own mode='auto' would {other} {source.name}; ckptsel does not"
        found.findings.append(Finding("keras2-auto", said))
    return monitor


def _without_missing(
    columns: list[_Column], monitor: Monitor, query: Query, found: Survey
) -> list[_Column]:
    """Without the zeros that Lightning may have written for "missing", if a zero would win."""
    best = min if monitor.mode == "min" else max
    bests = [best(column.finite) for column in columns if column.finite]
    if query.allow_zero or not bests or best(bests) != 0:
        return columns
    cleaned = [
        _Column(
            column.read,
            [
                math.nan if may_mean_missing(name, value) else value
                for name, value in zip(column.read.table.names, column.values, strict=True)
            ],
        )
        for column in columns
    ]
    dropped = sum(value == 0 for column in columns for value in column.values) - sum(
        value == 0 for column in cleaned for value in column.values
    )
    if dropped:
        said = f"{dropped} of the names: {LIGHTNING_ZERO.says}"
        found.findings.append(Finding(LIGHTNING_ZERO.code, said, strict=True))
    return cleaned


def _ranked(
    columns: list[_Column],
    source: Source,
    monitor: Monitor,
    query: Query,
    keep: int | None,
    found: Survey,
) -> list[Ranked]:
    """The best, in order; only these become checkpoints, and are looked at on the disk."""
    groups: dict[str, list[Checkpoint]] = {}
    for wanted in (None,) if keep is None else (keep + _SPARE, None):
        picked = [(c, row) for c in columns for row in shortlist(c.values, monitor.mode, wanted)]
        if not query.per_run:
            values = [column.values[row] for column, row in picked]
            picked = [picked[i] for i in shortlist(values, monitor.mode, wanted)]
        checkpoints = order(
            [(column.values[row], checkpoint_of(column.read, row)) for column, row in picked],
            monitor.mode,
            earlier=query.tie == "earlier",
        )
        groups = {}
        for checkpoint in found.existing(checkpoints):
            groups.setdefault(checkpoint.run if query.per_run else "", []).append(checkpoint)
        best = [group[0] for group in groups.values()] if query.per_run else groups.get("", [])
        # Too many were gone, or links to others: then all are looked at.
        if wanted is None or len(best) >= wanted - _SPARE or len(picked) < wanted:
            break
    for group in groups.values():
        found.findings += tie_findings(group, source, monitor, query.tie)
    times = Counter(
        (run, as_number(metric.value))
        for run, group in groups.items()
        for checkpoint in group
        if (metric := source.metric_of(checkpoint))
    )
    rows = []
    for rank, checkpoint in enumerate(best[:keep], 1):
        metric = source.metric_of(checkpoint)
        run = checkpoint.run if query.per_run else ""
        tied = metric is not None and times[run, as_number(metric.value)] > 1
        rows.append(Ranked(rank, checkpoint, metric, tied=tied))
    return rows


def _rest(found: Survey, ranked: list[Ranked], source: Source, monitor: Monitor) -> list[Ranked]:
    """The checkpoints without a place, in the order of their paths, each with the reason."""
    placed = {row.checkpoint.path for row in ranked}
    rest = []
    for checkpoint in found.existing([*_by_path(_read(found)), *_by_path(_bare(found))]):
        if checkpoint.path not in placed:
            metric = source.metric_of(checkpoint)
            reason = not_rankable(metric, monitor.name)
            reason = reason or "a printed zero may mean that it was missing"
            rest.append(Ranked(None, checkpoint, metric, reason))
    return sorted(rest, key=lambda row: row.checkpoint.path)


def _say_valueless(found: Survey, columns: list[_Column], source: Source) -> None:
    """Count and say which checkpoints could not compete, and why."""
    competing = {id(column.read) for column in columns}
    others = [read for read in found.read if id(read) not in competing]
    nameless = sum(len(read.table.names) for read in others if has_unlabelled(read.table))
    without = sum(len(read.table.names) for read in others) - nameless + len(found.unread)
    unusable = [
        (column.read, name)
        for column in columns
        if len(column.finite) < len(column.values)
        for name, value in zip(column.read.table.names, column.values, strict=True)
        if not math.isfinite(value)
    ]
    reasons = {
        f"no {source.name} in the name": without,
        f"a value without a label, which may or may not be {source.name}": nameless,
        f"no finite {source.name}": len(unusable),
    }
    found.passed_over += Counter(reasons)
    if without:
        said = f"{without} of {found.seen} checkpoints have no {source.name} in their names"
        found.findings.append(Finding("missing-value", said))
    if nameless:
        said = (
            f"{nameless} of {found.seen} checkpoints have a value without a label, and do not"
            f" compete with those that say {source.name!r}"
        )
        found.findings.append(Finding("unlabelled-value", said, strict=True))
    if unusable:
        read, name = unusable[0]
        said = f"{len(unusable)} of {found.seen} checkpoints have no finite {source.name}"
        found.findings.append(Finding("non-finite", said, read.folder.join(name), strict=True))


def _finished(found: Survey, query: Query, monitor: Monitor | None, rows: list[Ranked]) -> Ranking:
    """The ranking with all that was noticed.

    Raises:
        StrictError: if `query.strict`, and something had to be said.
    """
    grave = [finding for finding in found.findings if finding.strict]
    if query.strict and grave:
        raise StrictError(
            f"under --strict: {grave[0].said}",
            details=tuple(finding.said for finding in grave[1:5]),
            hint="without --strict this is only said",
        )
    return Ranking(
        monitor=monitor,
        rows=tuple(rows),
        patterns=found.patterns,
        learned=found.learned,
        findings=tuple(found.findings),
        seen=found.seen,
        passed_over={reason: count for reason, count in found.passed_over.items() if count},
    )
