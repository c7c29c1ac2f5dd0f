"""Tables of comma-separated values, whatever they are about."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.sources.log import MOST, LogRow, whole
from ckptsel.sources.reading.cells import CellsError, cells_of
from ckptsel.sources.reading.lines import first_line, pieces
from ckptsel.sources.reading.width import is_too_wide

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.sources.log import Key

# Keras's CSVLogger takes any separator, and spreadsheets choose by the country.
_SEPARATORS = ",;\t"
# Where none of these stands: titles of the others may have it in them.
_RARE_SEPARATOR = "|"

_DOUBTFUL = "log-malformed"


class _Header(NamedTuple):
    """The titles of a table.

    Attributes:
        titles: of all columns, without the spaces around them.
        names: of the columns that are used; one without a title is none.
        used: where these stand; empty for all of them.
        at: where it stands what a row is about.
    """

    titles: list[str]
    names: tuple[str, ...]
    used: Sequence[int]
    at: int


def titles_of(head: bytes) -> list[str]:
    """The titles of a table's columns, from its first bytes."""
    return _titles(first_line(head))


def table_rows(
    path: str, findings: list[Finding], key: Key, title: str, *, is_finished: bool = False
) -> Iterator[LogRow]:
    """The rows of a table, whose first line holds the titles; what is wrong becomes findings.

    A line of titles further down begins a part of the table with other columns.

    Args:
        path: the file.
        findings: takes what is wrong: titles that stand twice, lines that are no rows.
        key: what the rows are about.
        title: that of the column that says it, in lower case. There are no rows if none has it,
            or several have.
        is_finished: whether nobody writes to it any more, so that a last line without an end is
            whole.

    Raises:
        OSError: if the file cannot be read.
    """
    with open(path, "rb") as file:
        some = pieces(file, path, findings, (lambda _: True) if is_finished else None)
        part = next(filter(None, some), [""])
        header = _header(_titles(part[0]), title, path, findings)
        if header is None:
            return
        rows = cells_of(chain((part[1:],), some), _separator(part[0]), 2)
        titles, names, used, at = header
        width, by_epoch, by_file = len(titles), key == "epoch", key == "file"
        bad = first_bad = 0
        # What a NamedTuple does takes as long as all the rest of a row.
        new, (_, *others) = tuple.__new__, LogRow._field_defaults.values()
        behind_epoch, behind_step = tuple(others), tuple(others[1:])
        try:
            for line, cells in chain.from_iterable(rows):
                found: int | None = None
                if len(cells) == width:
                    try:
                        found = int(cells[at])  # quicker than a call, and nearly always one
                    except ValueError:
                        found = whole(cells[at])
                if found is not None and -MOST < found < MOST and not by_file:
                    texts = [cells[place] for place in used] if used else cells
                    if by_epoch:
                        yield new(LogRow, (line, names, texts, found, *behind_epoch))
                    else:
                        yield new(LogRow, (line, names, texts, None, found, *behind_step))
                elif len(cells) > 1 or any(cells):
                    stripped = [cell.strip() for cell in cells]
                    if title in map(str.lower, stripped):
                        header = _next_header(header, stripped, title, path, findings)
                        if header is None:
                            said = f"line {line} has other titles; the log was read up to there"
                            findings.append(Finding(_DOUBTFUL, said, path, strict=True))
                            break
                        titles, names, used, at = header
                        width = len(titles)
                    elif by_file and len(cells) == width and stripped[at]:
                        texts = [cells[place] for place in used] if used else cells
                        yield LogRow(line, names, texts, file=stripped[at])
                    else:
                        first_bad = first_bad or line
                        bad += 1
        except CellsError as error:
            said = f"{error}; the log was read up to there"
            findings.append(Finding(_DOUBTFUL, said, path, strict=True))
        if bad:
            said = f"lines that are no rows of the table: {bad}, the first is line {first_bad}"
            findings.append(Finding(_DOUBTFUL, said, path, strict=True))


def _next_header(
    before: _Header, titles: list[str], title: str, path: str, findings: list[Finding]
) -> _Header | None:
    """The columns below another line of titles; None where the old ones are not all there."""
    if titles == before.titles:
        return before  # a run that began again
    if {*titles} >= {*before.titles}:
        return _header(titles, title, path, findings)
    return None


def _header(titles: list[str], title: str, path: str, findings: list[Finding]) -> _Header | None:
    """The columns of a table; None if none says what a row is about, or several do.

    So it is where they are more than any log has.
    """
    if is_too_wide(len(titles), path, findings):
        return None
    counts = Counter(titles)
    if len(counts) < len(titles):
        twice = ", ".join(sorted(each for each, count in counts.items() if count > 1))
        said = f"columns of the same name, which were not used: {twice}"
        findings.append(Finding(_DOUBTFUL, said, path, strict=True))
    once = [place for place, each in enumerate(titles) if counts[each] == 1]
    keys = [place for place in once if titles[place].lower() == title]
    if len(keys) != 1:
        return None
    titled = [place for place in once if titles[place]]
    names = tuple(titles[place] for place in titled)
    return _Header(titles, names, titled if len(titled) < len(titles) else (), keys[0])


def _separator(header: str) -> str:
    likely = max(_SEPARATORS, key=header.count)
    return likely if likely in header else _RARE_SEPARATOR


def _titles(header: str) -> list[str]:
    """The titles without the spaces around them, with which some writers align the columns."""
    try:
        cells = next(csv.reader([header], delimiter=_separator(header)), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in cells]
