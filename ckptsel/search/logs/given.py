"""The tables that the user names by `--metrics`: whose they are, and what their rows name."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import LocationNotFoundError, UsageError
from ckptsel.sources.table import table_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.search.places import TableIn
    from ckptsel.sources.log import Key, LogKind, LogRow


def given_tables(
    paths: Sequence[str], key: Key | None, runs: Mapping[str, Sequence[TableIn]]
) -> Iterator[tuple[str, str, LogKind]]:
    """Each table with each run that it is about: the run, the table's path, how it is read.

    A table that names files is about all runs. One that counts epochs or steps is about one: the
    only one that was found, or the nearest around the table.

    Raises:
        LocationNotFoundError: if a table cannot be read.
        UsageError: if it has no column that says what its rows are about, or nothing says which
            of several runs it is about.
        MissingExtraError: if the package that reads it is not installed.
    """
    for path in paths:
        if os.path.exists(path) and not os.path.isfile(path):
            raise UsageError(
                f"{path} is no file: a table is read more than once",
                hint="write what comes out of a pipe to a file first",
            )
        try:
            kind, of_row = table_kind(path, key)
        except OSError as error:
            raise LocationNotFoundError(
                f"cannot read {path!r}: {error.strerror}", hint="check --metrics"
            ) from None
        if of_row == "file":
            kind = _with_whole_paths(kind, path, _known(runs))
        for run in runs if of_row == "file" else [_run_of(path, [*runs])]:
            yield run, path, kind


def unmatched(path: str, key: Key | None) -> Finding:
    """That no row of a table is about a checkpoint that was found, with what the first is about."""
    kind, of_row = table_kind(path, key)
    row = next(kind.read(path, []), None)
    said = "none of its rows is about a checkpoint that was found"
    if row is not None:
        told = row.file if of_row == "file" else row.epoch if of_row == "epoch" else row.step
        said += f": {of_row} {told!r}, for one"
    return Finding("table-unmatched", said, path, strict=True)


def whole_paths(places: Sequence[TableIn]) -> dict[str, int]:
    """The whole paths of all checkpoints → their index."""
    paths = (place.folder.join(name) for place in places for name in place.table.names)
    return {os.path.abspath(path): index for index, path in enumerate(paths)}


def _run_of(path: str, runs: list[str]) -> str:
    if len(runs) == 1:
        return runs[0]
    folder = os.path.dirname(os.path.abspath(path))
    around = [run for run in runs if (folder + os.sep).startswith(_with_end(run))]
    if not around:
        raise UsageError(
            f"{len(runs)} runs were found, and nothing says which of them {path} is about",
            hint="name that run as the LOCATION, or use a table with a column of files",
        )
    return max(around, key=lambda run: len(os.path.abspath(run)))


def _with_end(run: str) -> str:
    return os.path.join(os.path.abspath(run), "")


def _known(runs: Mapping[str, Sequence[TableIn]]) -> dict[str, str]:
    """The ends of all checkpoints' paths → the whole path; "" where several end so."""
    known: dict[str, str] = {}
    for places in runs.values():
        for whole in whole_paths(places):
            parts = whole.replace(os.sep, "/").strip("/").split("/")
            for start in range(len(parts)):
                end = "/".join(parts[start:])
                known[end] = whole if known.get(end, whole) == whole else ""
    return known


def _with_whole_paths(kind: LogKind, table: str, known: Mapping[str, str]) -> LogKind:
    """The same, with the whole path of each row's file.

    A row names a file from the table's folder, by its whole path, or by as much of the end of it
    as tells it from all others.
    """
    folder = os.path.dirname(os.path.abspath(table))

    def read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
        unclear = first = 0
        for row in kind.read(path, findings):
            file = row.file.replace("\\", "/")
            beside = os.path.normpath(os.path.join(folder, file)).replace(os.sep, "/").strip("/")
            whole = known.get(beside) or known.get(os.path.normpath(file).strip("/"))
            if whole:
                yield row._replace(file=whole)
            elif whole == "":
                first = first or row.place
                unclear += 1
        if unclear:
            said = f"rows that could be about several checkpoints: {unclear}, the first is"
            said += f" {kind.unit} {first}"
            findings.append(Finding("log-malformed", said, path, strict=True))

    return replace(kind, read=read)
