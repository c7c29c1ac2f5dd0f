"""A ranking, told in each of the output formats."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.cli.reports import text
from ckptsel.cli.reports.ranking_record import (
    finding_record,
    fixed_fields,
    fixed_names,
    log_record,
    metric_names,
    monitor_record,
    record,
    rejected_records,
    verified,
)
from ckptsel.cli.reports.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Checkpoint, Metric, Ranked, Ranking
    from ckptsel.verification.soundness import Sound

_MARK = "*"
_PATTERNS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RankingReport:
    """Some rows of a ranking, and what there is to say about all of it.

    Attributes:
        command: its name.
        ranking: where the rows come from.
        rows: the rows to show.
        sound: what --verify found, if it was asked for.
        explain: whether the document says why the rows have their places.
    """

    command: str
    ranking: Ranking
    rows: Sequence[Ranked]
    sound: Sound | None = None
    explain: bool = False

    def paths(self) -> Sequence[str]:
        """One path a row."""
        return [row.checkpoint.path for row in self.rows]

    def document(self) -> Mapping[str, object]:
        """The rows with all their evidence, and all that was noticed."""
        ranking = self.ranking
        best, runner_up, monitor = ranking.best, ranking.runner_up, ranking.monitor
        return {
            "command": self.command,
            "monitor": monitor and monitor_record(monitor),
            "further": [monitor_record(other) for other in ranking.further],
            "best": best and self._record(best),
            "runner_up": runner_up and self._record(runner_up),
            "checkpoints": self.records(),
            "patterns": [{"pattern": pattern, "names": n} for pattern, n in ranking.patterns],
            "learned": ranking.learned,
            "seen": ranking.seen,
            "passed_over": ranking.passed_over,
            "logs": [log_record(log) for log in ranking.logs],
            "findings": [finding_record(finding) for finding in ranking.findings],
            **self._rejected(),
            **self._explained(),
        }

    def records(self) -> Sequence[Mapping[str, object]]:
        """One record a row, the same as in the document."""
        return [self._record(row) for row in self.rows]

    def _record(self, row: Ranked) -> dict[str, object]:
        return verified(record(row), row.checkpoint.path, self.sound)

    def _rejected(self) -> dict[str, object]:
        if self.sound is None:
            return {}
        return {"rejected": [*rejected_records(self.sound)]}

    def _explained(self) -> dict[str, object]:
        if not self.explain:
            return {}
        from ckptsel.cli.reports.explanation import explanation_record

        return {"explanation": [explanation_record(self.ranking, row) for row in self.rows]}

    def cells(self) -> Iterator[Sequence[str]]:
        """The fixed columns, then one a metric; a value reads back as the same value."""
        names = metric_names(self.rows)
        said = self._said()
        fixed = fixed_names(self.ranking)
        heading = [*fixed, *(f"metric.{name}" if name in fixed else name for name in names)]
        yield [*heading, *(["verified"] if said else [])]
        for index, row in enumerate(self.rows):
            fields = fixed_fields(row, self.ranking)
            metrics = (row.checkpoint.metric(name) for name in names)
            values = [*fields.values(), *(metric and metric.value for metric in metrics)]
            cells = ["" if value is None else text.number(value) for value in values]
            yield [*cells, *said[index : index + 1]]

    def _said(self) -> list[str]:
        """The column of --verify; empty without it."""
        if self.sound is None:
            return []
        from ckptsel.cli.reports.verdict import in_short

        verdicts = self.sound.verdicts
        return [in_short(verdicts[row.checkpoint.path]) for row in self.rows]

    def table(self) -> Table:
        """The rows for people, values as they are printed in the names."""
        best = self.ranking.best
        marked = next((i for i, row in enumerate(self.rows) if row is best), None)
        return Table(
            columns=[
                column
                for column in (
                    *_columns(self.ranking, self.rows, marked),
                    Column("verified", self._said()),
                )
                if any(column.cells)
            ],
            caption=_caption(self.ranking),
            footer=[*_footer(self.ranking, len(self.rows))],
            marked=marked,
        )


def _columns(ranking: Ranking, rows: Sequence[Ranked], marked: int | None) -> Iterator[Column]:
    checkpoints = [row.checkpoint for row in rows]
    now = time.time()
    yield Column("", [_MARK if i == marked else "" for i in range(len(rows))])
    yield Column("rank", [_optional(row.rank) for row in rows], right=True)
    yield Column("run", [c.run for c in checkpoints])
    yield Column("name", [_within_run(c) for c in checkpoints])
    yield Column("epoch", [_optional(c.epoch) for c in checkpoints], right=True)
    yield Column("step", [_optional(c.step) for c in checkpoints], right=True)
    monitored = _monitored(ranking, rows)
    # A log may have thousands of metrics. Of two of one name the first one counts.
    metrics = [{m.name: m for m in reversed(c.metrics)} for c in checkpoints]
    in_names = {m.name for c in checkpoints for m in c.metrics if m.source == "name"}
    for name in metric_names(rows):
        is_monitor = name in monitored
        title = _title(name, monitored)
        if is_monitor or ranking.monitor is None or name in in_names:
            # A log has whatever there is; a ranked table shows what matters to the ranks.
            cells = [_shown(each.get(name), whole=is_monitor) for each in metrics]
            yield Column(title, cells, right=True)
    smoothed = [row.smoothed for row in rows]
    yield Column(
        "smoothed", ["" if value is None else f"{value:.6g}" for value in smoothed], right=True
    )
    yield Column("source", [*_sources(ranking, rows)])
    yield Column("size", [text.size(c.size_bytes) for c in checkpoints], right=True)
    ages = [text.age(now - c.modified) if c.modified else "?" for c in checkpoints]
    yield Column("age", ages, right=True)
    yield Column("kind", [c.kind for c in checkpoints])
    yield Column("note", [_remark(row) for row in rows])


def _shown(metric: Metric | None, *, whole: bool) -> str:
    """A value as it stands in the name; shorter, if it is from a log and not what ranks."""
    if metric is None:
        return ""
    if whole or metric.source == "name" or isinstance(metric.value, str):
        return metric.text
    return f"{metric.value:.6g}"


def _sources(ranking: Ranking, rows: Sequence[Ranked]) -> Iterator[str]:
    """Where the monitor's values stand, or any value; nothing where all is in the names."""
    for row in rows:
        metrics = [row.metric] if ranking.monitor else row.checkpoint.metrics
        found = [metric.source for metric in metrics if metric]
        logged = next((source for source in found if source != "name"), "")
        yield logged or ("name" if found and ranking.logs and ranking.monitor else "")


def _monitored(ranking: Ranking, rows: Sequence[Ranked]) -> dict[str, str]:
    """The metrics that are ranked by, and what each was asked for as."""
    if ranking.monitor is None:
        return {}
    monitors = (ranking.monitor, *ranking.further)
    return {
        metric.name: monitor.name
        for row in rows
        for monitor, metric in zip(monitors, (row.metric, *row.further), strict=False)
        if metric
    }


def _title(name: str, monitored: Mapping[str, str]) -> str:
    # A value without a label, or with another, that is taken for the monitor.
    asked = monitored.get(name, name)
    return name if asked == name else f"{asked} ({name})"


def _optional(amount: float | None) -> str:
    return "" if amount is None else str(amount)


def _within_run(checkpoint: Checkpoint) -> str:
    # Run and name together are the path, so that one can be found from the table.
    folder = checkpoint.run + os.sep
    return checkpoint.path.removeprefix(folder)


def _remark(row: Ranked) -> str:
    return row.reason or ("tied" if row.tied else "")


def _caption(ranking: Ranking) -> str:
    monitor = ranking.monitor
    if monitor is None:
        return "not ranked (--monitor NAME ranks)"
    direction = "lowest" if monitor.mode == "min" else "highest"
    why = f" ({monitor.why})" if monitor.why else ""
    said = f"{monitor.name}, {direction} first{why}"
    for other in ranking.further:
        direction = "lowest" if other.mode == "min" else "highest"
        between = "; and" if ranking.pareto else "; then"
        said += f"{between} {other.name}, {direction} first"
    return said


def _footer(ranking: Ranking, shown: int) -> Iterator[str]:
    if shown < ranking.seen:
        yield f"{shown} of {text.count(ranking.seen, 'checkpoint')} shown"
    if ranking.monitor is not None:
        yield from _reasons("not ranked", Counter(r.reason for r in ranking.rows if not r.rank))
    yield from _reasons("passed over", ranking.passed_over)
    yield from _logs(ranking)
    yield from _patterns(ranking)


def _reasons(what: str, reasons: Mapping[str, int]) -> Iterator[str]:
    if reasons:
        each = "; ".join(f"{n} {reason}" for reason, n in reasons.items())
        yield f"{sum(reasons.values())} {what}: {each}"


def _logs(ranking: Ranking) -> Iterator[str]:
    for log in ranking.logs[:_PATTERNS_SHOWN]:
        if log.joined:
            yield f"{log.path}: values of {text.count(log.joined, 'checkpoint')}: {log.why}"
    more = len(ranking.logs) - _PATTERNS_SHOWN
    if more > 0:
        yield f"and {text.count(more, 'more log')}"


def _patterns(ranking: Ranking) -> Iterator[str]:
    for pattern, names in ranking.patterns[:_PATTERNS_SHOWN]:
        yield text.pattern_line(pattern, names, learned=ranking.learned)
    more = len(ranking.patterns) - _PATTERNS_SHOWN
    if more > 0:
        yield f"and {text.count(more, 'more pattern')}"
