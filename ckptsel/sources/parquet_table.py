"""Tables in Parquet, through pyarrow (extra `parquet`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import MissingExtraError, UsageError
from ckptsel.sources.reading.entries import keyed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.sources.log import Key, LogRow

_ROWS = 4096


def parquet_columns(path: str) -> list[str]:
    """The names of a table's columns.

    Raises:
        MissingExtraError: if pyarrow is not installed.
        UsageError: if it is no Parquet.
    """
    pyarrow, file = _open(path)
    with file:
        try:
            return [*file.schema_arrow.names]
        except (pyarrow.ArrowException, OSError) as error:
            raise UsageError(f"{path} is no whole Parquet file: {error}") from None


def parquet_rows(path: str, findings: list[Finding], key: Key, title: str) -> Iterator[LogRow]:
    """The rows of a table, some thousands at a time in memory."""
    return keyed(_entries(path, findings), key, title, path, findings)


def _entries(path: str, findings: list[Finding]) -> Iterator[tuple[int, dict[str, str]]]:
    pyarrow, file = _open(path)
    place = 0
    with file:
        try:
            for batch in file.iter_batches(_ROWS):
                for entry in batch.to_pylist():
                    place += 1
                    yield place, {name: _text(value) for name, value in entry.items()}
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
            said = f"row {place + 1}: {error}; the table was read up to there"
            findings.append(Finding("log-malformed", said, path, strict=True))


def _text(value: Any) -> str:
    """A number as Python prints it, a text as it is; nothing for what holds others."""
    if isinstance(value, bool) or value is None:
        return ""
    return repr(value) if isinstance(value, (int, float)) else value if type(value) is str else ""


def _open(path: str) -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - only where such a table is met
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError(
            f"{path} is read by pyarrow, which is not installed",
            hint="pip install 'ckptsel[parquet]'",
        ) from None
    try:
        return pa, ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path} is no whole Parquet file: {error}") from None
