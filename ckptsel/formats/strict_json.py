"""JSON from strangers: an object, or a DamagedError."""

from __future__ import annotations

import json
from typing import Any

from ckptsel.errors import DamagedError
from ckptsel.storage import open_regular

LIMIT_BYTES = 100_000_000
"""No JSON beside or inside of a checkpoint is larger; safetensors has the same limit."""


# What Python takes at most for an object or a list, and for what stands in one; so little JSON
# becomes fifty times as much memory.
_OBJECT_BYTES = 200
_VALUE_BYTES = 64
_PARSED_BYTES = 256 * 2**20


def parse_object(data: bytes, what: str) -> dict[str, Any]:
    """The JSON object in some bytes.

    Args:
        data: UTF-8.
        what: what these bytes are, for the message.

    Raises:
        DamagedError: if they are no JSON, no object, nested too deeply, or name a key twice, which
            readers understand differently.
    """
    parts = _OBJECT_BYTES * (data.count(b"{") + data.count(b"[")) + _VALUE_BYTES * data.count(b",")
    if parts > _PARSED_BYTES:
        raise DamagedError(f"{what} is JSON of too many parts: it would take {parts:,} bytes")
    try:
        found = json.loads(data.decode(), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{what} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise DamagedError(f"{what} is no JSON object")
    return found


def read_object(path: str) -> dict[str, Any]:
    """The JSON object in a file. Raises as `parse_object` does, also if it cannot be read."""
    try:
        with open_regular(path) as file:
            data = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise DamagedError(f"{path!r} cannot be read: {error.strerror}") from None
    if len(data) > LIMIT_BYTES:
        raise DamagedError(f"{path!r} is larger than {LIMIT_BYTES} bytes")
    return parse_object(data, repr(path))


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found
