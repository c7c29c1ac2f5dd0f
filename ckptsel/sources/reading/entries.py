"""Entries of a table as rows of a log, by the column that says what each is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.sources.log import LogRow, names_of, whole
from ckptsel.sources.reading.json_text import texts
from ckptsel.sources.reading.width import is_too_wide

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ckptsel.sources.log import Key


def keyed(
    entries: Iterable[tuple[int, Mapping[str, Any]]],
    key: Key,
    title: str,
    path: str,
    findings: list[Finding],
) -> Iterator[LogRow]:
    """Entries as rows; those that do not say what they are about are said."""
    bad = first_bad = 0
    for place, entry in entries:
        values = texts(entry)
        if is_too_wide(len(values), path, findings, what=f"row {place}"):
            break
        said = values.get(title, "").strip()
        number = whole(said) if key != "file" else None
        if not said or (key != "file" and number is None):
            first_bad = first_bad or place
            bad += 1
            continue
        row = LogRow(place, names_of(*values), [*values.values()])
        if key == "file":
            yield row._replace(file=said)
        else:
            yield row._replace(epoch=number) if key == "epoch" else row._replace(step=number)
    if bad:
        message = f"rows that do not say their {key}: {bad}, the first is the {first_bad}."
        findings.append(Finding("log-malformed", message, path, strict=True))
