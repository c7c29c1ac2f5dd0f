"""Why a checkpoint stands where it stands: its value, where that is from, and who came next."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.naming.read import as_number
from ckptsel.naming.vocabulary import canonical
from ckptsel.sources.keras_totals import SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.checkpoint import Log, Metric, Ranked, Ranking


class Explanation(NamedTuple):
    """The chain from a log or a name to a place.

    Attributes:
        row: the checkpoint in its place.
        log: the log that has its value; None where the name has it.
        line: the line of that log, or the position in its list; None without a log.
        in_name: what the name says of the monitor; None where it says nothing.
        unlabelled: the values in the name that no label tells the meaning of.
        runner_up: the next in the ranking; None if there is none, or none to compare with: the
            best of another run, another one of a front.
        decided_by: in what the two differ first: a monitor, or the smoothed values of the first;
            "" for a tie, or without a runner-up.
        margin: how far behind the runner-up is in that; 0.0 for a tie, None without one, or where
            it has no such value.
    """

    row: Ranked
    log: Log | None
    line: int | None
    in_name: Metric | None
    unlabelled: tuple[Metric, ...]
    runner_up: Ranked | None
    decided_by: str
    margin: float | None


def explain(ranking: Ranking, row: Ranked) -> Explanation:
    """Lay out why a row of a ranking has its place."""
    log, line = _log_of(ranking, row)
    read = [m for m in row.checkpoint.metrics if m.source == "name" and m.role == "metric"]
    own = row.metric.name if row.metric else ""
    in_name = next((m for m in read if canonical(m.name) == canonical(own)), None)
    behind = None
    if not ranking.per_run and not ranking.pareto and row.rank is not None:
        behind = next((other for other in ranking.rows if other.rank == row.rank + 1), None)
    decided_by, margin = _decision(ranking, row, behind) if behind is not None else ("", None)
    return Explanation(
        row,
        log,
        line,
        in_name,
        tuple(m for m in read if not m.labelled and m is not in_name),
        behind,
        decided_by,
        margin,
    )


def _decision(ranking: Ranking, row: Ranked, behind: Ranked) -> tuple[str, float | None]:
    """In what the two differ first, in the order in which they are compared, and how far."""
    for name, mine, theirs in _compared(ranking, row, behind):
        if mine != theirs:
            return name, None if mine is None or theirs is None else abs(mine - theirs)
    return "", 0.0


def _compared(
    ranking: Ranking, row: Ranked, behind: Ranked
) -> Iterator[tuple[str, float | None, float | None]]:
    first = ranking.monitor.name if ranking.monitor else ""
    values = first, _number(row.metric), _number(behind.metric)
    if ranking.smooth:
        yield f"smoothed {first}", row.smoothed, behind.smoothed
    else:
        yield values
    for monitor, mine, theirs in zip(ranking.further, row.further, behind.further, strict=True):
        yield monitor.name, _number(mine), _number(theirs)
    if ranking.smooth:
        yield values  # among equal medians


def _number(metric: Metric | None) -> float | None:
    """The number that ranks; None where there is none, which comes last."""
    value = math.nan if metric is None else as_number(metric.value)
    return value if math.isfinite(value) else None


def _log_of(ranking: Ranking, row: Ranked) -> tuple[Log | None, int | None]:
    """The log and the line that a row's value is from."""
    if row.metric is None or row.metric.source.startswith(("name", SOURCE)):
        return None, None
    kind, _, place = row.metric.source.partition(":")
    inner, _, line = place.rpartition(":")
    # A table that the user has named need not be below the run.
    paths = {os.path.normpath(os.path.join(row.checkpoint.run, inner)), os.path.normpath(inner)}
    for log in ranking.logs:
        for file in log.files or (log.path,):
            if log.kind == kind and os.path.normpath(file) in paths:
                of_file = replace(log, path=file, files=()) if log.files else log
                return of_file, int(line)
    return None, int(line)
