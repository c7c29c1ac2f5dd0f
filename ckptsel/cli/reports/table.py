"""A table as data, and as plain text."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.cli.reports.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: its heading.
        cells: one text a row.
        right: whether it is set flush right, as numbers are.
    """

    title: str
    cells: Sequence[str]
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """What a table says, whatever draws it.

    Attributes:
        columns: all of the same length.
        caption: a line above.
        head: lines between the caption and the rows.
        footer: lines below.
        marked: the row to stand out, if any.
    """

    columns: Sequence[Column]
    caption: str = ""
    head: Sequence[str] = ()
    footer: Sequence[str] = ()
    marked: int | None = None


def plain(table: Table) -> Iterator[str]:
    """The table as lines of text, of whatever width it takes: nothing is cut.

    It is what a pipe, a file and a log get, where no terminal sets a width.
    """
    if table.caption:
        yield shown(table.caption)
        yield ""
    for line in table.head:
        yield shown(line)
    if table.columns and table.columns[0].cells:
        if table.head:
            yield ""
        columns = [_aligned(column) for column in table.columns]
        for row in zip(*columns, strict=True):
            yield "  ".join(row).rstrip()
    if table.footer:
        yield ""
    for line in table.footer:
        yield shown(line)


def width(text: str) -> int:
    """The columns that printable text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def _aligned(column: Column) -> list[str]:
    texts = [shown(text) for text in (column.title, *column.cells)]
    widest = max(width(text) for text in texts)
    pads = [" " * (widest - width(text)) for text in texts]
    if column.right:
        return [pad + text for pad, text in zip(pads, texts, strict=True)]
    return [text + pad for pad, text in zip(pads, texts, strict=True)]
