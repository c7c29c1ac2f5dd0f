"""What is inside of a file, sound or not, as data and in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.verification.severity import severity_of

if TYPE_CHECKING:
    from ckptsel.checkpoint import Finding
    from ckptsel.verification.verify import Verdict


def verdict_record(verdict: Verdict) -> dict[str, object]:
    """A verdict within the record of a checkpoint."""
    return {
        "sound": verdict.is_sound,
        "findings": [finding_record(finding) for finding in verdict.findings],
    }


def finding_record(finding: Finding) -> dict[str, object]:
    """A finding inside a file, for JSON."""
    return {
        "code": finding.code,
        "severity": severity_of(finding.code),
        "message": finding.message,
        "path": finding.path,
    }


def in_short(verdict: Verdict) -> str:
    """A verdict for a column: `sound`, `damage: CODE`, `danger: CODE`."""
    grave = verdict.of("damage") or verdict.of("danger")
    return f"{severity_of(grave[0].code)}: {grave[0].code}" if grave else "sound"
