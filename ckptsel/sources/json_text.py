"""JSON in logs: numbers as the texts that stand there, and never an exception."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.sources.lines import encoding_of, lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A document is read as a whole: JSON cannot be read otherwise with the standard library.
MAX_BYTES = 64 * 2**20


def load(text: str) -> object:
    """What a text says in JSON, its numbers as texts; `null` is None.

    Raises:
        ValueError: if it is no JSON, or too deeply nested.
    """
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def document(path: str, findings: list[Finding]) -> object:
    """The whole file; None, with a finding, if it is no JSON.

    Raises:
        OSError: if the file cannot be read.
    """
    size = os.stat(path).st_size
    if size > MAX_BYTES:
        said = f"too large to be such a log: {size} bytes"
        findings.append(Finding("log-malformed", said, path, strict=True))
        return None
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES)
    try:
        return load(data.decode(encoding_of(data), "surrogateescape"))
    except ValueError as error:
        said = f"is no whole JSON: {error}"
        findings.append(Finding("log-malformed", said, path, strict=True))
        return None


def objects(path: str, findings: list[Finding]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file that has one on each line, with their lines.

    Raises:
        OSError: if the file cannot be read.
    """
    bad: list[int] = []
    for place, line in enumerate(lines(path, findings, _is_object), 1):
        found: object = None
        with suppress(ValueError):
            found = load(line) if line.strip() else None
        if isinstance(found, dict):
            yield place, found
        elif line.strip():
            bad.append(place)
    if bad:
        said = f"lines that could not be read: {len(bad)}, the first is line {bad[0]}"
        findings.append(Finding("log-malformed", said, path, strict=True))


def _is_object(line: str) -> bool:
    """Whether a line is a whole object, which none is that was cut off."""
    try:
        return isinstance(load(line), dict)
    except ValueError:
        return False


def texts(found: Mapping[str, Any]) -> dict[str, str]:
    """The values of an object that are single texts or numbers."""
    return {name: value for name, value in found.items() if isinstance(value, str)}
