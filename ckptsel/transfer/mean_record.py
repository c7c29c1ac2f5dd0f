"""What the record beside a mean, and JSON, say of its members and trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.record import finite
from ckptsel.transfer.record import relative

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckptsel.checkpoint import Ranked
    from ckptsel.transfer.evaluation import Greedy
    from ckptsel.transfer.members import Members
    from ckptsel.transfer.soup import Trial


def provenance(
    members: Members,
    pairs: Sequence[tuple[Ranked, float]],
    trials: Sequence[Trial],
    greedy: Greedy | None,
    folder: str,
) -> Mapping[str, object]:
    """What the record says beyond the files: where the mean comes from."""
    monitor = members.ranking.monitor if members.ranking else None
    told: dict[str, object] = {
        "monitor": monitor and {"name": monitor.name, "mode": monitor.mode, "why": monitor.why},
        "members": [
            {"path": relative(row.checkpoint.path, folder), **member_record(row, share)}
            for row, share in pairs
        ],
    }
    if greedy is not None:
        told["greedy"] = {
            "command": greedy.command,
            "mode": greedy.mode,
            "trials": [
                {**trial_record(trial), "added": relative(trial.added, folder)} for trial in trials
            ],
        }
    return told


def member_record(row: Ranked, share: float) -> dict[str, object]:
    """A member but for its path, ready for JSON."""
    return {
        "weight": share,
        "rank": row.rank,
        "value": row.metric and finite(row.metric.value),
        "text": row.metric and row.metric.text,
        "epoch": row.checkpoint.epoch,
        "step": row.checkpoint.step,
    }


def trial_record(trial: Trial) -> dict[str, object]:
    """A trial, ready for JSON."""
    return {
        "added": trial.added,
        "value": finite(trial.value),
        "kept": trial.kept,
        "members": trial.members,
    }
