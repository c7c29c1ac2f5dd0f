"""What `--verify` found, said on stderr."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.cli import output
from ckptsel.verification.severity import severity_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckptsel.checkpoint import Finding
    from ckptsel.verification.verify import Verdict


def say(verdicts: Mapping[str, Verdict]) -> None:
    """Say on stderr which checkpoints were passed over and why, and what else was found."""
    found: list[Finding] = []
    for verdict in verdicts.values():
        if verdict.is_sound:
            found += [_told(finding, severity_of(finding.code)) for finding in verdict.findings]
        else:
            found.append(replace(_told(verdict.findings[0], "passed over"), path=verdict.path))
    output.findings(found)


def _told(finding: Finding, how: str) -> Finding:
    return replace(finding, message=f"{how}: {finding.message} ({finding.code})")
