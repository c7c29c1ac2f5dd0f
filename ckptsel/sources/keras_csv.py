"""Keras's CSVLogger: one row an epoch, counted from 0; appended to by a second fit.

Source: keras/src/callbacks/csv_logger.py: the first column is `epoch`, the others are sorted;
`NA` stands for an absent value. Other writers of such a table are read as well.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.sources.lines import first_line, lines
from ckptsel.sources.log import LogKind, LogRow, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

# CSVLogger takes any separator.
_SEPARATORS = ",;\t"
_KEY = "epoch"


def _recognise(head: bytes) -> bool:
    titles = _titles(first_line(head))
    return len(titles) > 1 and titles[0].lower() == _KEY


def _titles(header: str) -> list[str]:
    """The columns' names; none where the line is no heading."""
    try:
        cells = next(csv.reader([header], delimiter=_separator(header)), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in cells]


def _separator(header: str) -> str:
    return max(_SEPARATORS, key=header.count)


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    text = lines(path, findings)
    header = next(text, "")
    titles = _titles(header)
    twice = {title for title in titles if titles.count(title) > 1}
    if twice:
        said = f"columns of the same name, which were not used: {', '.join(sorted(twice))}"
        findings.append(Finding("log-malformed", said, path, strict=True))
    if not titles or titles[0].lower() != _KEY or titles[0] in twice:
        return
    bad = first_bad = 0
    names = tuple(title for title in titles if title not in twice)
    rows = csv.reader(text, delimiter=_separator(header), strict=True)
    width = len(titles)
    try:
        for cells in rows:
            try:
                epoch: int | None = int(cells[0])  # quicker than a call, and nearly always one
            except (ValueError, IndexError):
                epoch = whole(cells[0]) if cells else None
            if epoch is not None and len(cells) == width:
                texts = cells
                if twice:
                    pairs = zip(titles, cells, strict=True)
                    texts = [cell for title, cell in pairs if title not in twice]
                yield LogRow(rows.line_num + 1, names, texts, epoch)
            elif cells and [cell.strip() for cell in cells] != titles:
                # A header that is repeated is none: a run that began again.
                first_bad = first_bad or rows.line_num + 1
                bad += 1
    except csv.Error as error:
        said = f"line {rows.line_num + 1}: {error}; the log was read up to there"
        findings.append(Finding("log-malformed", said, path, strict=True))
    if bad:
        said = f"{bad} lines that are no rows of the table, the first is line {first_bad}"
        findings.append(Finding("log-malformed", said, path, strict=True))


KIND = LogKind(
    "csv",
    _recognise,
    _read,
    {"epoch": 1},
    "Keras counts epochs from 1 in names and from 0 in CSVLogger's table",
)
