"""How many columns a log may have: each costs time and memory for every checkpoint."""

from __future__ import annotations

from ckptsel.checkpoint import Finding

MOST_COLUMNS = 10_000
"""No training has so many metrics, and a table with as many checkpoints must not fill memory."""


def is_too_wide(columns: int, path: str, findings: list[Finding], *, what: str = "it") -> bool:
    """Whether there are more columns than any log has, which is said.

    Args:
        columns: how many there are.
        path: the log.
        findings: takes what is said.
        what: what has them.
    """
    if columns <= MOST_COLUMNS:
        return False
    said = f"{what} has {columns} columns, and nothing was taken of them; at most {MOST_COLUMNS}"
    said += " are read"
    findings.append(Finding("log-malformed", said, path, strict=True))
    return True
