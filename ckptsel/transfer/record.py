"""The sidecar `DEST.ckptsel.json`: where something comes from, and why it was the one."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ckptsel import __version__
from ckptsel.ranking.explain import explain
from ckptsel.record import SCHEMA, evidence, finite, finite_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Monitor, Ranked, Ranking
    from ckptsel.transfer.plan import CopyPlan

# No record is nearly as large; what calls itself one can be anything.
_LARGEST_BYTES = 1 << 24


# What has a record, and so which commands' records are told from other files.
COMMANDS = ("copy", "export", "average")


def record(
    plan: CopyPlan, ranking: Ranking, files: Sequence[tuple[str, int, str | None]]
) -> dict[str, object]:
    """Everything that is worth knowing about a copy, ready for JSON.

    Args:
        plan: what was copied.
        ranking: where it stood.
        files: name, size in bytes and SHA-256 (None if not asked for) of each.
    """
    return {
        **head("copy", files),
        "source": relative(plan.checkpoint.path, plan.folder),
        **standing(plan.row, ranking, plan.folder),
        "copied_at": now(),
    }


def head(command: str, files: Sequence[tuple[str, int, str | None]]) -> dict[str, object]:
    """What every record begins with.

    Args:
        command: one of `COMMANDS`.
        files: name, size in bytes and SHA-256 (None if not asked for) of what was written.
    """
    return {
        "schema": SCHEMA,
        "command": command,
        "ckptsel": __version__,
        "files": [{"name": name, "size_bytes": n, "sha256": digest} for name, n, digest in files],
    }


def standing(row: Ranked, ranking: Ranking, folder: str) -> dict[str, object]:
    """Why a checkpoint was the one: its place, its values and the evidence, and the runner-up.

    Args:
        row: its place in the ranking.
        ranking: the ranking.
        folder: that of the record, from which paths are seen.
    """
    checkpoint, metric, monitor = row.checkpoint, row.metric, ranking.monitor
    why = explain(ranking, row)
    runner_up = why.runner_up
    return {
        "monitor": monitor and _asked(monitor),
        "further": [
            {**_asked(one), "evidence": metric and evidence(metric)}
            for one, metric in zip(ranking.further, row.further, strict=False)
        ],
        "pareto": ranking.pareto,
        "smooth": ranking.smooth,
        "smoothed": row.smoothed,
        "decided_by": why.decided_by or None,
        "rank": row.rank,
        "tied": row.tied,
        "value": metric and finite(metric.value),
        "text": metric and metric.text,
        "evidence": metric and evidence(metric),
        "metrics": finite_values(checkpoint.metrics),
        "pattern": checkpoint.pattern or None,
        "runner_up": runner_up
        and {
            "path": relative(runner_up.checkpoint.path, folder),
            "value": runner_up.metric and finite(runner_up.metric.value),
            "text": runner_up.metric and runner_up.metric.text,
            "smoothed": runner_up.smoothed,
        },
    }


def _asked(monitor: Monitor) -> dict[str, object]:
    return {"name": monitor.name, "mode": monitor.mode, "why": monitor.why}


def now() -> str:
    """The time, as a record has it: UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def encode(content: dict[str, object]) -> bytes:
    """As JSON in ASCII, in which any file name survives; NaN is no JSON, and must not be in it."""
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode("ascii")


def is_record(path: str) -> bool:
    """Whether a file is a record of what stands, or stood, beside it."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read(_LARGEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "schema" in content and content.get("command") in COMMANDS


def relative(path: str, folder: str) -> str:
    """The path as seen from the record, so that a project can be moved as a whole."""
    head, name = os.path.split(os.path.abspath(path))
    # Links in the folders are resolved, because `..` leads out of what they lead to.
    real = os.path.join(os.path.realpath(head), name)
    try:
        return os.path.relpath(real, os.path.realpath(folder or os.curdir))
    except ValueError:  # pragma: no cover - another drive, on Windows
        return real
