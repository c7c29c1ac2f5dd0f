"""Tables of comma-separated values, whatever they are about."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.sources.lines import first_line, lines
from ckptsel.sources.log import LogRow, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.sources.log import Key

# Keras's CSVLogger takes any separator, and spreadsheets choose by the country.
_SEPARATORS = ",;\t"

# Digits of an epoch or a step, which are not too many.
_QUICK = 18


def titles_of(head: bytes) -> list[str]:
    """The titles of a table's columns, from its first bytes."""
    return _titles(first_line(head))


def table_rows(
    path: str, findings: list[Finding], key: Key, title: str, *, is_finished: bool = False
) -> Iterator[LogRow]:
    """The rows of a table, whose first line holds the titles; what is wrong becomes findings.

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
    text = lines(path, findings, (lambda _: True) if is_finished else None)
    header = next(text, "")
    titles = _titles(header)
    twice = {each for each in titles if titles.count(each) > 1}
    if twice:
        said = f"columns of the same name, which were not used: {', '.join(sorted(twice))}"
        findings.append(Finding("log-malformed", said, path, strict=True))
    names = tuple(each for each in titles if each not in twice)
    if [name.lower() for name in names].count(title) != 1:
        return
    at = [each.lower() for each in titles].index(title)
    bad = first_bad = 0
    rows = csv.reader(text, delimiter=_separator(header), strict=True)
    width, by_epoch, by_file = len(titles), key == "epoch", key == "file"
    try:
        for cells in rows:
            found: int | None = None
            file = ""
            if len(cells) == width:
                # Nearly always digits, of which Python reads these quicker than a call does.
                if len(cells[at]) < _QUICK and cells[at].isdecimal():
                    found = int(cells[at])
                else:
                    found = whole(cells[at])
                file = cells[at].strip() if by_file else ""
            if found is not None or file:
                texts = cells
                if twice:
                    pairs = zip(titles, cells, strict=True)
                    texts = [cell for each, cell in pairs if each not in twice]
                if by_epoch:
                    yield LogRow(rows.line_num + 1, names, texts, found)
                elif by_file:
                    yield LogRow(rows.line_num + 1, names, texts, None, None, file)
                else:
                    yield LogRow(rows.line_num + 1, names, texts, None, found)
            elif cells and [cell.strip() for cell in cells] != titles:
                # A header that is repeated is none: a run that began again.
                first_bad = first_bad or rows.line_num + 1
                bad += 1
    except csv.Error as error:
        said = f"line {rows.line_num + 1}: {error}; the log was read up to there"
        findings.append(Finding("log-malformed", said, path, strict=True))
    if bad:
        said = f"lines that are no rows of the table: {bad}, the first is line {first_bad}"
        findings.append(Finding("log-malformed", said, path, strict=True))


def _separator(header: str) -> str:
    return max(_SEPARATORS, key=header.count)


def _titles(header: str) -> list[str]:
    """The titles without the spaces around them, with which some writers align the columns."""
    try:
        cells = next(csv.reader([header], delimiter=_separator(header)), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in cells]
