"""The road: a query goes in, a ranking comes out."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Ranked, Ranking
from ckptsel.errors import AmbiguousMonitorError, MonitorNotFoundError, StrictError
from ckptsel.ranking.criterion import criterion, look_inside
from ckptsel.ranking.remarks import called_otherwise, count_valueless, grave, name_traps
from ckptsel.ranking.standing import everything, ranked, rest
from ckptsel.search.query import Query, parse_monitor
from ckptsel.search.survey import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ckptsel.checkpoint import Monitor
    from ckptsel.ranking.criterion import Criterion
    from ckptsel.ranking.several import Order
    from ckptsel.search.survey import Survey

__all__ = ["Query", "parse_monitor", "select", "select_with_survey"]


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
        TieError: for a tie, if `query.tie` is `error`.
        StrictError: if `query.strict`, and something had to be said.
    """
    with _without_collection():
        # What was found goes before cycles are searched for again, which would go through it all.
        return _select(survey(query, progress), query, keep, rank=rank)


def select_with_survey(
    query: Query,
    *,
    keep: int | None = None,
    rank: bool = True,
    progress: Callable[[int], None] | None = None,
) -> tuple[Ranking, Survey]:
    """As `select`, with what was found: names, and the logs that were joined, to be read again."""
    with _without_collection():
        found = survey(query, progress)
        return _select(found, query, keep, rank=rank), found


@contextmanager
def _without_collection() -> Iterator[None]:
    """Without a search for cycles: a search makes none, but so many rows that it takes a fourth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _select(found: Survey, query: Query, keep: int | None, *, rank: bool) -> Ranking:
    use = query.logs == "use" and any(folder.logs for folder in found.folders)
    if use or query.logs == "only" or query.metrics:
        # Most folders have none, and need nothing of this.
        from ckptsel.search.logs.add import add_logs  # noqa: PLC0415

        add_logs(found, query)
        if query.monitor is not None:
            from ckptsel.ranking.spelling import one_spelling  # noqa: PLC0415

            further = (parse_monitor(text)[0] for text in query.further)
            one_spelling(found, (query.monitor, *further))
    if query.logs != "ignore":
        look_inside(found, query, rank=rank)
    found.findings += name_traps(found)
    ranking = _settled(found, query, keep, rank=rank)
    if any(read.joined.key != "file" for read in found.reads):
        from ckptsel.search.logs.moment import saved_within  # noqa: PLC0415 - opens files

        won = [row for row in _winners(ranking, query, keep) if row.rank]
        values = {row.checkpoint.path: (row.metric,) for row in won if row.metric}
        found.findings += saved_within(found.reads, values)
    if found.reads:
        from ckptsel.search.logs.unneeded import less_grave  # noqa: PLC0415 - only with logs

        found.findings = less_grave(found, ranking)
    return _finished(found, query, ranking)


def _settled(found: Survey, query: Query, keep: int | None, *, rank: bool) -> Ranking:
    """The places, of which none that wins was won by the value of another file."""
    while True:
        said, passed_over = [*found.findings], found.passed_over.copy()
        ranking = _placed(found, query, keep, rank=rank)
        if not found.doubted:
            return ranking
        from ckptsel.search.logs.replaced import settle, unread  # noqa: PLC0415 - a copied folder

        winners = ranking.rows
        if not (keep is None and query.strict):
            winners = _winners(ranking, query, keep)
        read = [row for row in winners if row.rank or query.strict]
        others = settle(found, [row.checkpoint for row in (*read, *_about(ranking, query))])
        if not others:
            shown = ranking.rows if keep is None else winners
            found.findings += unread(found, [row.checkpoint for row in shown])
            return ranking
        found.findings, found.passed_over = said + others, passed_over


def _winners(ranking: Ranking, query: Query, keep: int | None) -> tuple[Ranked, ...]:
    """Those that are the answer; of a list, the first. One more is kept than is wanted."""
    if query.takes_several:
        return ranking.rows
    if query.each_run:
        return tuple({row.checkpoint.run: row for row in ranking.rows[::-1] if row.rank}.values())
    return ranking.rows[: 1 if keep is None else max(1, keep - 1)]


def _about(ranking: Ranking, query: Query) -> list[Ranked]:
    """The one that is asked about, if one is."""
    if not query.about:
        return []
    about = os.path.abspath(query.about)
    return [row for row in ranking.rows if os.path.abspath(row.checkpoint.path) == about]


def _placed(found: Survey, query: Query, keep: int | None, *, rank: bool) -> Ranking:
    """The places, as names and logs tell them. Raises as `select` does."""
    if query.monitor is None and not rank:
        return Ranking(None, tuple(Ranked(None, c) for c in everything(found)))
    first = criterion(found, query.monitor, query.mode, query)
    monitor, fields, columns = first
    further: tuple[Monitor, ...] = ()
    if query.further or query.smooth:
        rows, behind, unsmoothed, further = _by_several(found, first, query, keep)
        competing = len(rows) + len(behind)
        rows, behind = rows[:keep], behind + unsmoothed
    else:
        rows, behind = ranked(found, columns, fields, monitor, query, keep), []
        competing = sum(len(column.finite) for column in columns)
    if not rows and keep is not None:
        raise _nothing_usable(found, monitor)
    found.findings += count_valueless(found, columns, monitor.name)
    found.findings += called_otherwise(found, monitor.name)
    if found.reads and rows:
        from ckptsel.ranking.better_logged import better_logged  # noqa: PLC0415 - only with logs

        of_each = query.per_run or query.each_run
        found.findings += better_logged(found, monitor, columns, each_run=of_each)
    if keep is None and not query.per_run:
        rows += behind
        rows += rest(found, rows, fields, monitor)
    return Ranking(monitor, tuple(rows), further=further, competing=competing)


def _by_several(
    found: Survey, one: Criterion, query: Query, keep: int | None
) -> tuple[list[Ranked], list[Ranked], list[Ranked], tuple[Monitor, ...]]:
    """The checkpoints in the order of several monitors, or of smoothed values; and the beaten.

    Returns:
        The ranked, the beaten, those that have no smoothed value, and the further monitors.

    Raises:
        UsageError, MonitorNotFoundError: as `select`, for a further monitor.
        TieError: for a tie, if `query.tie` is `error`.
    """
    from ckptsel.ranking.several import Order, reranked  # noqa: PLC0415

    said = list(found.findings)
    alone = replace(query, tie="later", per_run=False)
    rows = ranked(found, one.columns, one.fields, one.monitor, alone, None)
    # What is equal in one value is not yet equal, nor is what rounding hides of one the end.
    found.findings = said + [
        f for f in found.findings[len(said) :] if f.code not in ("tie", "rounded-apart")
    ]
    first = Order(one.monitor, one.fields, one.values())
    without: list[Ranked] = []
    if query.smooth:
        from ckptsel.ranking.smoothing import smooth  # noqa: PLC0415
        from ckptsel.search.logs.families import words_of  # noqa: PLC0415

        others = rest(found, rows, one.fields, one.monitor)
        name = one.monitor.name
        words = words_of(found.read)
        rows, without, findings = smooth(rows, others, name, found.reads, query.smooth, words)
        smoothed = {row.checkpoint.path: row.smoothed for row in rows if row.smoothed is not None}
        first = first._replace(smoothed=smoothed)
        found.findings += findings
    orders = [first]
    for text in query.further:
        further = criterion(found, *parse_monitor(text), query)
        orders.append(Order(further.monitor, further.fields, further.values()))
    _refuse_one_for_two(orders)
    if query.each_run:
        # What is to be said is that of each run; one that ties with another is no matter.
        _, findings = reranked(rows, orders, replace(query, per_run=True))
        tie = "later" if query.tie == "error" else query.tie
        placed, _ = reranked(rows, orders, replace(query, tie=tie))
    else:
        placed, findings = reranked(rows, orders, query, keep)
    found.findings += findings
    return (
        [row for row in placed if row.rank is not None],
        [row for row in placed if row.rank is None],
        without,
        tuple(order.monitor for order in orders[1:]),
    )


def _refuse_one_for_two(orders: Sequence[Order]) -> None:
    """Raise AmbiguousMonitorError if one value without a label is taken for two of the monitors."""
    taken: dict[tuple[str, str], str] = {}
    for one in orders:
        for pattern, field in one.fields.labels.items():
            other = taken.setdefault((pattern, field), one.monitor.name)
            if field.isdigit() and other != one.monitor.name:
                raise AmbiguousMonitorError(
                    f"the value without a label in {pattern!r} cannot be both {other!r} and"
                    f" {one.monitor.name!r}",
                    hint="name the fields in --pattern, as the training code has them",
                )


def _nothing_usable(found: Survey, monitor: Monitor) -> MonitorNotFoundError:
    """The monitor is there, and all its values were passed over for some reason."""
    zeros = any(finding.code == "lightning-zero" for finding in found.findings)
    return MonitorNotFoundError(
        f"no checkpoint has a usable value of {monitor.name}",
        details=grave(found, and_logs=True),
        hint="--allow-zero lets zeros compete"
        if zeros
        else "`ckptsel list` shows what their names hold",
    )


def _finished(found: Survey, query: Query, ranking: Ranking) -> Ranking:
    """The places with all that was noticed.

    Raises:
        StrictError: if `query.strict`, and something had to be said.
    """
    said = grave(found)
    if query.strict and said:
        raise StrictError(
            f"under --strict: {said[0]}",
            details=said[1:5],
            hint="without --strict this is only said",
        )
    return replace(
        ranking,
        patterns=found.patterns,
        learned=found.learned,
        findings=tuple(found.findings),
        per_run=query.per_run,
        pareto=query.pareto,
        smooth=query.smooth,
        seen=found.seen,
        logs=tuple(found.logs),
        passed_over={reason: count for reason, count in found.passed_over.items() if count},
    )
