"""The cells of a table's rows, part by part, each with the line where it begins."""

from __future__ import annotations

import csv
from itertools import chain
from operator import methodcaller
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A text in quotation marks may go over lines; an end of it that is missing would take in the rest.
_MOST_LINES = 1000


class CellsError(Exception):
    """A text in quotation marks that does not end, or goes on behind its end."""


def cells_of(
    parts: Iterator[list[str]], separator: str, line: int
) -> Iterator[Iterable[tuple[int, list[str]]]]:
    """The rows of some lines at a time. An empty line is a row of one empty cell, or of none.

    Args:
        parts: the lines, without their ends but for a carriage return.
        separator: what stands between cells.
        line: the number of the first line.

    Raises:
        CellsError: while rows are gone through, at the end of what can be read.
    """
    # Splitting takes a third of the time, and most logs have no quotation mark.
    split = methodcaller("split", separator)
    for part in parts:
        text = "\n".join(part).replace("\r\n", "\n").removesuffix("\r")
        if '"' in text or "\r" in text:
            yield _quoted(chain((part,), parts), separator, line)
            return
        yield enumerate(map(split, text.split("\n")), line)
        line += len(part)


def _quoted(
    parts: Iterator[list[str]], separator: str, start: int
) -> Iterator[tuple[int, list[str]]]:
    begin = start

    def lines() -> Iterator[str]:
        read = start
        for part in parts:
            # One row that has taken in all of a part would take in the rest of the file, too.
            if read - begin > _MOST_LINES:
                raise csv.Error(f"a text in quotation marks goes over {read - begin} lines")
            yield from part
            read += len(part)

    rows = csv.reader(lines(), delimiter=separator, strict=True)
    try:
        for cells in rows:
            yield begin, cells
            begin = start + rows.line_num
    except csv.Error as error:
        raise CellsError(f"line {begin}: {error}") from None
