"""Logs of several files: each file by itself, so that one that cannot be read hides no other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ckptsel.checkpoint import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ckptsel.sources.log import LogRow

    ReadTogether: TypeAlias = Callable[[str, Sequence[str], list[Finding]], Iterator[LogRow]]
    Read: TypeAlias = Callable[[str, list[Finding]], Iterator[LogRow]]

T = TypeVar("T")


def each_file(
    run: str,
    paths: Sequence[str],
    findings: list[Finding],
    read: Callable[[str, str, list[Finding]], Iterator[T]],
) -> Iterator[Iterator[T]]:
    """What stands in each file.

    Args:
        run: the run's folder.
        paths: the files.
        findings: takes what is wrong; a file that cannot be read, too.
        read: a file, its path from the run's folder with `/`, findings → what stands in it.
    """
    for path in paths:
        yield _readable(path, findings, read(path, inner_path(run, path), findings))


def inner_path(run: str, path: str) -> str:
    """A file's path from the run's folder, with `/`."""
    return os.path.relpath(path, run or os.curdir).replace(os.sep, "/")


def _readable(path: str, findings: list[Finding], found: Iterator[T]) -> Iterator[T]:
    try:
        yield from found
    except OSError as error:
        # The others are still there.
        said = f"cannot be read: {error.strerror}"
        findings.append(Finding("log-unreadable", said, path, strict=True))


def alone(read_together: ReadTogether, levels: int = 1) -> Read:
    """How one of the files is read by itself.

    Args:
        read_together: how several are.
        levels: how far above the file the run's folder is.
    """

    def read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
        run = path
        for _ in range(levels):
            run = os.path.dirname(run)
        return read_together(run, (path,), findings)

    return read
