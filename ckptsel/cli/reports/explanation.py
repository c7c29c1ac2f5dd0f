"""`best --explain`: the chain of evidence, for people and for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.cli.reports import text
from ckptsel.cli.reports.ranking_record import log_record
from ckptsel.ranking.explain import explain
from ckptsel.record import evidence, finite
from ckptsel.sources.keras_totals import SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.checkpoint import Log, Metric, Monitor, Ranked, Ranking
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
        "smoothed": row.smoothed,
        "further": [metric and evidence(metric) for metric in row.further],
        "runner_up": behind and behind.checkpoint.path,
        "runner_up_value": behind and behind.metric and finite(behind.metric.value),
        "runner_up_smoothed": behind and behind.smoothed,
        "decided_by": found.decided_by or None,
        "margin": finite(found.margin),
    }


def explained(ranking: Ranking, rows: Sequence[Ranked]) -> Iterator[str]:
    """Why these rows were taken, a line each thing."""
    monitor = ranking.monitor
    for row in rows:
        found = explain(ranking, row)
        yield f"{row.checkpoint.path}"
        if monitor is not None:
            yield f"  ranked    {row.rank} {_of_all(ranking)} by {_by(ranking, monitor)}"
        if row.smoothed is not None:
            yield f"  smoothed  {row.smoothed:.6g}, the median that it was ranked by"
        if row.metric is not None:
            raw = "" if row.smoothed is None else ", not smoothed"
            yield f"  value     {row.metric.text}{raw}, {_where(row.metric, found)}"
        for other, metric in zip(ranking.further, row.further, strict=False):
            order = "and by" if ranking.pareto else "then by"
            value = "no value" if metric is None else f"{metric.text}, {_source(metric)}"
            yield f"  {order:<9} {other.name}, {_first(other)}: {value}"
        if ranking.pareto:
            yield "  front     no other is better in one of the monitors, and no worse in the rest"
        yield f"  name      {_in_name(found)}"
        if found.log is not None:
            yield f"  log       {_joined(found.log)}"
        if found.runner_up is not None:
            yield f"  next      {_behind(ranking, found)}"
    if ranking.passed_over:
        each = "; ".join(f"{n} {reason}" for reason, n in ranking.passed_over.items())
        yield f"passed over: {each}"


def _of_all(ranking: Ranking) -> str:
    seen = text.count(ranking.seen, "checkpoint")
    if not ranking.competing or ranking.competing == ranking.seen:
        return f"of {seen}"
    return f"of {ranking.competing} with a value ({seen} in all)"


def _by(ranking: Ranking, monitor: Monitor) -> str:
    name = monitor.name
    if ranking.smooth:
        name = f"the median of {ranking.smooth} values of {name} around each"
    return f"{name}, {_first(monitor)}"


def _first(monitor: Monitor) -> str:
    lowest = "lowest" if monitor.mode == "min" else "highest"
    return f"{lowest} first ({monitor.why})"


def _source(metric: Metric) -> str:
    if metric.source == "name":
        return "read from the name"
    if metric.source.startswith(SOURCE):
        return f"computed from the totals of {metric.source.removeprefix(SOURCE)} inside the file"
    return f"from {metric.source}"


def _where(metric: Metric, found: Explanation) -> str:
    if found.log is None:
        return _source(metric)
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
    counts = {0: "as its", -1: "one less than its"}.get(log.offset, "one more than its")
    return f"joined to {rows} by {log.by}; names count {counts} rows: {log.why}"


def _behind(ranking: Ranking, found: Explanation) -> str:
    behind = found.runner_up
    if behind is None or behind.metric is None:
        return ""
    said = f"{behind.checkpoint.path} with {behind.metric.text}"
    if behind.smoothed is not None:
        said += f", smoothed {behind.smoothed:.6g}"
    if not found.decided_by:
        return f"{said}: a tie, decided by epoch, step or path"
    if found.margin is None:
        return f"{said}, and no {found.decided_by}"
    within = f" in {found.decided_by}" if ranking.further or ranking.smooth else ""
    return f"{said}, {found.margin:.6g} behind{within}"
