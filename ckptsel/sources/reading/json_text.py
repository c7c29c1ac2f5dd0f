"""JSON in logs: numbers as the texts that stand there, and never an exception."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.sources.reading.lines import encoding_of, lines
from ckptsel.strict_json import NAMED, Json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# A document is read as a whole: JSON cannot be read otherwise with the standard library.
MAX_BYTES = 64 * 2**20
# What Python takes at most for an object or a list, and for what stands in one: so little JSON
# becomes fifty times as much memory. A Trainer's state with 400,000 entries takes as much.
_OBJECT_BYTES = 200
_VALUE_BYTES = 64
_MOST_PARSED_BYTES = 256 * 2**20


def say_twice(reader: Json, path: str, findings: list[Finding]) -> None:
    """Say which keys stood twice in what was read, if any did."""
    if reader.twice:
        findings.append(Finding("log-malformed", same_keys(reader.twice), path, strict=True))


def same_keys(twice: Sequence[str]) -> str:
    """What is said of keys that stand twice in an object."""
    named = ", ".join(map(repr, twice[:NAMED]))
    more = " and others" if len(twice) > NAMED else ""
    return f"keys that stand twice in one object, which were not used: {named}{more}"


def is_object(head: bytes) -> bool:
    """Whether a file begins as a JSON object does."""
    return _start(head).startswith("{")


def is_list(head: bytes) -> bool:
    """Whether a file begins as a JSON list does."""
    return _start(head).startswith("[")


def _start(head: bytes) -> str:
    return head.decode(encoding_of(head), "replace").lstrip()


def document(
    path: str, findings: list[Finding], most_parsed_bytes: int = _MOST_PARSED_BYTES
) -> object:
    """The whole file; None, with a finding, if it is no JSON.

    Args:
        path: the file.
        findings: takes what is wrong with it.
        most_parsed_bytes: what may become of it in memory, about.

    Raises:
        OSError: if the file cannot be read.
    """
    size = os.stat(path).st_size
    said = f"too large to be such a log: {size} bytes" if size > MAX_BYTES else ""
    found: object = None
    if not said:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES)
        parts = _OBJECT_BYTES * (data.count(b"{") + data.count(b"["))
        if parts + _VALUE_BYTES * data.count(b",") > most_parsed_bytes:
            said = "too many parts to be such a log"
    if not said:
        reader = Json()
        try:
            found = reader.load(data.decode(encoding_of(data), "surrogateescape"))
        except ValueError as error:
            said = f"is no whole JSON: {error}"
        say_twice(reader, path, findings)
    if said:
        findings.append(Finding("log-malformed", said, path, strict=True))
    return found


def columns(found: object) -> dict[str, list[Any]]:
    """The columns of a document that is an object: its lists, or else pandas's columns.

    These are objects, whose keys are the index, the same in each.
    Source: `orient` in https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_json.html
    """
    if not isinstance(found, dict):
        return {}
    lists = {name: column for name, column in found.items() if isinstance(column, list)}
    if lists or not all(isinstance(column, dict) for column in found.values()):
        return lists
    index = [*next(iter(found.values()), {})]
    is_table = all([*column] == index for column in found.values())
    return {name: [*column.values()] for name, column in found.items()} if is_table else {}


def objects(path: str, findings: list[Finding]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file that has one on each line, with their lines.

    Raises:
        OSError: if the file cannot be read.
    """
    reader = Json()
    bad = first_bad = 0
    for place, line in enumerate(lines(path, findings, _is_object), 1):
        found: object = None
        try:
            found = reader.load(line)
        except ValueError:
            if not line.strip():
                continue
        if isinstance(found, dict):
            yield place, found
        else:
            first_bad = first_bad or place
            bad += 1
    say_twice(reader, path, findings)
    if bad:
        said = f"lines that could not be read: {bad}, the first is line {first_bad}"
        findings.append(Finding("log-malformed", said, path, strict=True))


def _is_object(line: str) -> bool:
    """Whether a line is a whole object, which none is that was cut off."""
    try:
        return isinstance(Json().load(line), dict)
    except ValueError:
        return False


def texts(found: Mapping[str, Any]) -> dict[str, str]:
    """The values of an object that are single texts or numbers."""
    return {name: value for name, value in found.items() if isinstance(value, str)}
