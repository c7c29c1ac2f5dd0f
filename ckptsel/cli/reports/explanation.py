"""`best --explain`: the chain of evidence, for people and for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.cli.reports import text
from ckptsel.cli.reports.ranking_record import log_record
from ckptsel.ranking.explain import explain
from ckptsel.record import evidence, finite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.checkpoint import Log, Metric, Ranked, Ranking
    from ckptsel.ranking.explain import Explanation


def explanation_record(ranking: Ranking, row: Ranked) -> dict[str, object]:
    """Why a row has its place, for JSON."""
    found = explain(ranking, row)
    behind = found.runner_up
    return {
        "path": row.checkpoint.path,
        "metric": row.metric and evidence(row.metric),
        "log": found.log and log_record(found.log),
        "line": found.line,
        "in_name": found.in_name and evidence(found.in_name),
        "runner_up": behind and behind.checkpoint.path,
        "margin": finite(found.margin),
    }


def explained(ranking: Ranking, rows: Sequence[Ranked]) -> Iterator[str]:
    """Why these rows were taken, a line each thing."""
    monitor = ranking.monitor
    for row in rows:
        found = explain(ranking, row)
        yield f"{row.checkpoint.path}"
        if monitor is not None:
            lowest = "lowest" if monitor.mode == "min" else "highest"
            of_all = f"of {text.count(ranking.seen, 'checkpoint')}"
            by = f"by {monitor.name}, {lowest} first ({monitor.why})"
            yield f"  ranked    {row.rank} {of_all} {by}"
        if row.metric is not None:
            yield f"  value     {row.metric.text}, {_where(row.metric, found)}"
        yield f"  name      {_in_name(found)}"
        if found.log is not None:
            yield f"  log       {_joined(found.log)}"
        if found.runner_up is not None:
            yield f"  next      {_behind(found)}"
    if ranking.passed_over:
        each = "; ".join(f"{n} {reason}" for reason, n in ranking.passed_over.items())
        yield f"passed over: {each}"


def _where(metric: Metric, found: Explanation) -> str:
    if found.log is None:
        return "read from the name" if metric.source == "name" else f"from {metric.source}"
    return f"{found.log.unit} {found.line} of {found.log.path}"


def _in_name(found: Explanation) -> str:
    if found.in_name is not None:
        return f"says {found.in_name.name} {found.in_name.text}"
    if found.unlabelled:
        return f"says {', '.join(m.text for m in found.unlabelled)}, without a label"
    return "says no metric"


def _joined(log: Log) -> str:
    rows = text.count(log.joined, "checkpoint")
    if log.by == "file":
        return f"joined to {rows} by file name: {log.why}"
    counts = "as its" if log.offset == 0 else "one more than its"
    return f"joined to {rows} by {log.by}; names count {counts} rows: {log.why}"


def _behind(found: Explanation) -> str:
    behind = found.runner_up
    if behind is None or behind.metric is None or found.margin is None:
        return ""
    said = f"{behind.checkpoint.path} with {behind.metric.text}"
    if found.margin == 0:
        return f"{said}: a tie, decided by epoch, step or path"
    return f"{said}, {found.margin:.6g} behind"
