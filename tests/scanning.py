"""Scans of folders, in short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.search.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.search.grouping import Folder


def paths(folders: Iterable[Folder]) -> list[str]:
    """The checkpoints' paths."""
    return sorted(folder.join(name) for folder in folders for name in folder.names)


def scanned(*locations: str, **options: Any) -> tuple[list[str], Scan]:
    """The checkpoints below the locations, and the scan."""
    scan = Scan(**options)
    return paths(scan.folders(locations)), scan


def said(scan: Scan) -> list[tuple[str, str]]:
    """The findings, as code and path."""
    return [(finding.code, finding.path) for finding in scan.findings]
