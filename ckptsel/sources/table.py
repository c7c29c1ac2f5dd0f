"""Any table that the user names: CSV, JSON, JSON lines, Parquet, known by its content.

A row is about an epoch, a step or a file, which one of its columns says. TensorBoard's files and
MLflow's metrics, whose steps may be either, can be given as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ckptsel.errors import UsageError
from ckptsel.sources import kind_of
from ckptsel.sources.log import LogKind
from ckptsel.sources.reading.csv_table import table_rows, titles_of
from ckptsel.sources.reading.entries import keyed
from ckptsel.sources.reading.json_text import columns, document, is_list, is_object, objects
from ckptsel.sources.reading.lines import first_line
from ckptsel.sources.unknown import why_no_column, why_no_entries, why_no_key
from ckptsel.storage import open_regular
from ckptsel.strict_json import Json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import Key, LogRow

    Reader: TypeAlias = Callable[[str, list[Finding], Key, str], Iterator[LogRow]]

KEYS: tuple[Key, ...] = ("epoch", "step", "file")
_HABIT = "--key says that it counts as the names do"
_HEAD_BYTES = 65_536


def table_kind(path: str, key: Key | None) -> tuple[LogKind, Key]:
    """How to read a table, and what its rows are about.

    Args:
        path: the file.
        key: the column that says it; None for the only one of `KEYS` that the table has.

    Raises:
        OSError: if it cannot be read.
        UsageError: if it has no such column, or several and no key is given.
        MissingExtraError: for Parquet, if pyarrow is not installed.
    """
    # A pipe can be read once, and whoever writes to it may never come.
    with open_regular(path) as file:
        head = file.read(_HEAD_BYTES)
    known = kind_of(path, path.replace("\\", "/"))
    if known is not None and known[1].name in ("tensorboard", "mlflow"):
        key = _chosen(path, key, [each for each in known[1].offsets if each != "file"])
        alone = replace(known[1], offsets={key: 0}, habit=_HABIT, read_together=None)
        alone = replace(alone, read=_of_one_file(known[1]), is_told=True)
        return replace(alone, only_by_values=frozenset(), epochs_alike=False), key
    reader, titles, unit = _reader(path, head)
    low = [title.lower() for title in titles]
    possible = [each for each in KEYS if each in low]
    if not possible:
        raise _no_key(path, head, titles)
    is_said = key is not None
    key = _chosen(path, key, possible)
    title = next(title for title in titles if title.lower() == key)

    def read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
        return reader(path, findings, key, title)

    offset = 0 if is_said else None
    kind = LogKind("table", lambda _: True, read, {key: offset}, _HABIT, unit)
    return replace(kind, is_told=True), key


def _of_one_file(kind: LogKind) -> Callable[[str, list[Finding]], Iterator[LogRow]]:
    """Reads a kind of several files; where a value stands, the one file need not be said."""

    def read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
        for row in kind.read(path, findings):
            yield row._replace(places=[place.rpartition(":")[2] for place in row.places])

    return read


def _chosen(path: str, key: Key | None, possible: list[Key]) -> Key:
    if key is None and len(possible) == 1:
        return possible[0]
    if key is not None and key in possible:
        return key
    if key is not None:
        raise UsageError(
            f"{path} has no column {key!r} to find the checkpoints by",
            hint=f"it has {' and '.join(possible)}: --key {possible[0]}" if possible else "",
        )
    raise UsageError(
        f"{path} has the columns {' and '.join(possible)}",
        hint=f"say which finds the checkpoints, such as --key {possible[0]}",
    )


def _no_key(path: str, head: bytes, titles: list[str]) -> UsageError:
    """Why no column says what a row is about."""
    if head.startswith(b"PAR1"):
        why = why_no_column(titles, KEYS)
    elif not _is_json(head):
        why = why_no_key(head, KEYS)
    else:
        findings: list[Finding] = []
        found = document(path, findings)
        why = next((f.message for f in findings), "") or why_no_entries(found, KEYS)
    return UsageError(
        f"{path} has none of the columns epoch, step and file: {why}",
        hint="one of them must say what a row is about",
    )


def _reader(path: str, head: bytes) -> tuple[Reader, list[str], str]:
    """What reads the table, its columns, and what its places count."""
    if head.startswith(b"PAR1"):
        from ckptsel.sources.parquet_table import parquet_columns, parquet_rows  # noqa: PLC0415

        return parquet_rows, parquet_columns(path), "row"
    if not _is_json(head):
        return _csv_rows, titles_of(head), "line"
    try:
        first = Json().load(first_line(head))
    except ValueError:
        first = None
    if isinstance(first, dict) and not columns(first):
        return _line_rows, [*first], "line"
    found = _entries(document(path, []))
    return _document_rows, [*found[0]] if found else [], "entry"


def _is_json(head: bytes) -> bool:
    return is_object(head) or is_list(head)


def _csv_rows(path: str, findings: list[Finding], key: Key, title: str) -> Iterator[LogRow]:
    return table_rows(path, findings, key, title.lower(), is_finished=True)


def _line_rows(path: str, findings: list[Finding], key: Key, title: str) -> Iterator[LogRow]:
    return keyed(objects(path, findings), key, title, path, findings)


def _document_rows(path: str, findings: list[Finding], key: Key, title: str) -> Iterator[LogRow]:
    entries = enumerate(_entries(document(path, findings)), 1)
    return keyed(entries, key, title, path, findings)


def _entries(found: object) -> list[dict[str, Any]]:
    """The rows of a list of objects, or of an object of columns of one length."""
    by_name = columns(found)
    if len({len(column) for column in by_name.values()}) == 1:
        rows = zip(*by_name.values(), strict=True)
        return [dict(zip(by_name, row, strict=True)) for row in rows]
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
