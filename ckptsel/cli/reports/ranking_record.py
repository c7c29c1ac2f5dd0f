"""A row of a ranking as data: for JSON, for columns, for templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.record import evidence, finite, finite_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.checkpoint import Checkpoint, Finding, Log, Monitor, Ranked, Ranking
    from ckptsel.verification.soundness import Sound

# The columns of csv and tsv that are always there, in this order; the metrics follow.
FIXED = (
    "rank",
    "path",
    "name",
    "run",
    "kind",
    "epoch",
    "step",
    "size_bytes",
    "modified",
    "monitor",
    "value",
)


def fixed_names(ranking: Ranking) -> tuple[str, ...]:
    """The names of the fixed columns; with --smooth, what was ranked by is the last of them."""
    return (*FIXED, "smoothed") if ranking.smooth else FIXED


def fixed_fields(row: Ranked, ranking: Ranking) -> dict[str, Any]:
    """What can be said of every checkpoint, by name; None where it is not known."""
    checkpoint = row.checkpoint
    return {
        "rank": row.rank,
        "path": checkpoint.path,
        "name": checkpoint.name,
        "run": checkpoint.run,
        "kind": checkpoint.kind,
        "epoch": checkpoint.epoch,
        "step": checkpoint.step,
        "size_bytes": _size_bytes(checkpoint),
        "modified": checkpoint.modified or None,
        "monitor": ranking.monitor.name if ranking.monitor else None,
        "value": row.metric.value if row.metric else None,
        **({"smoothed": row.smoothed} if ranking.smooth else {}),
    }


def record(row: Ranked) -> dict[str, object]:
    """One row for JSON: never a NaN, and every value with the text it was read from."""
    checkpoint = row.checkpoint
    return {
        "rank": row.rank,
        "path": checkpoint.path,
        "name": checkpoint.name,
        "run": checkpoint.run,
        "kind": checkpoint.kind,
        "files": list(checkpoint.files),
        "epoch": checkpoint.epoch,
        "step": checkpoint.step,
        "size_bytes": _size_bytes(checkpoint),
        "modified": checkpoint.modified or None,
        "value": row.metric and finite(row.metric.value),
        "text": row.metric and row.metric.text,
        "source": row.metric and row.metric.source,
        "smoothed": row.smoothed,
        "tied": row.tied,
        "reason": row.reason or None,
        "pattern": checkpoint.pattern or None,
        "metrics": finite_values(checkpoint.metrics),
        "evidence": [evidence(metric) for metric in checkpoint.metrics],
    }


def verified(record: dict[str, object], path: str, sound: Sound | None) -> dict[str, object]:
    """The record with what --verify found, if the checkpoint was opened."""
    if sound is None or path not in sound.verdicts:
        return record
    from ckptsel.cli.reports.verdict import verdict_record  # noqa: PLC0415 - only with --verify

    return {**record, "verified": verdict_record(sound.verdicts[path])}


def rejected_records(sound: Sound) -> Iterator[dict[str, object]]:
    """The records of what --verify passed over."""
    for row in sound.rejected:
        yield verified(record(row), row.checkpoint.path, sound)


def finding_record(finding: Finding) -> dict[str, object]:
    """A finding for JSON."""
    return {
        "code": finding.code,
        "message": finding.message,
        "path": finding.path or None,
        "strict": finding.strict,
    }


def monitor_record(monitor: Monitor) -> dict[str, object]:
    """What was ranked by, for JSON."""
    return {"name": monitor.name, "mode": monitor.mode, "why": monitor.why}


def log_record(log: Log) -> dict[str, object]:
    """A log that was read, for JSON."""
    return {
        "path": log.path,
        "files": [*log.files] or [log.path],
        "kind": log.kind,
        "joined": log.joined,
        "by": log.by,
        "offset": log.offset,
        "why": log.why or None,
    }


def metric_names(rows: Sequence[Ranked]) -> list[str]:
    """The names of all metrics in the order of their first sight.

    The one epoch and the one step that have a column of their own are left out.
    """
    names: dict[str, None] = {}
    for row in rows:
        roles = set()
        for metric in row.checkpoint.metrics:
            counts = metric.role in ("epoch", "step") and finite(metric.value) is not None
            if counts and metric.role not in roles:
                roles.add(metric.role)
            else:
                names[metric.name] = None
    return list(names)


def _size_bytes(checkpoint: Checkpoint) -> int | None:
    return checkpoint.size_bytes if checkpoint.size_bytes >= 0 else None
