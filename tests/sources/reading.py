"""Reads one log by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.sources import kind_of

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import LogRow


def read(path: Path, data: str | bytes | None = None) -> tuple[str, list[LogRow], list[str]]:
    """The kind of a log, its rows, and the codes of what was said.

    Args:
        path: the log.
        data: what is written to it first.
    """
    if data is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    found = kind_of(str(path), path.name)
    if found is None:
        return "", [], []
    findings: list[Finding] = []
    rows = list(found[1].read(str(path), findings))
    return found[1].name, rows, [finding.code for finding in findings]
