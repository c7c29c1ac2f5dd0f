"""Says why a file that could be a log or a table is read as none, from its first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.sources.reading.csv_table import titles_of
from ckptsel.sources.reading.json_text import columns
from ckptsel.sources.reading.lines import encoding_of, first_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.sources.log import Key

_SHOWN = 5
_COMMENTS = ("#", "//", "%", ";")


def why_unknown(head: bytes) -> str:
    """Why a file with the name of a log is of no kind that is known."""
    return _why_no_text(head) or _why_no_titles(head, "epoch", of_first=True)


def why_no_key(head: bytes, keys: Sequence[Key]) -> str:
    """Why a table of text has no column that says what a row is about."""
    return _why_no_text(head) or _why_no_titles(head, ", ".join(keys))


def why_no_column(titles: Sequence[str], keys: Sequence[str]) -> str:
    """Why a table of these columns does not say what a row is about."""
    return f"it has no column {' or '.join(keys)}; its columns are {_listed(titles)}"


def why_no_entries(found: object, keys: Sequence[Key]) -> str:
    """Why a JSON document has no rows that say what they are about."""
    if isinstance(found, dict):
        lengths = {name: len(column) for name, column in columns(found).items()}
        if len(set(lengths.values())) > 1:
            each = ", ".join(f"{name!r} {n}" for name, n in [*lengths.items()][:_SHOWN])
            return f"its columns are of different lengths ({each}), and make no rows"
        if not lengths:
            return "it is one object without columns, and no list of objects"
        if not any(lengths.values()):
            return "its columns are empty"
        return why_no_column([*lengths], keys)
    if isinstance(found, list) and found:
        rows = [each for each in found if isinstance(each, dict)]
        if not rows:
            return "it is a list, and none of its entries an object"
        return f"it has no {' or '.join(keys)}; its first entry has {_listed([*rows[0]])}"
    return "it is an empty list" if isinstance(found, list) else "it is no list and no object"


def _why_no_text(head: bytes) -> str:
    if not head.strip():
        return "is empty"
    if encoding_of(head) == "utf-8" and b"\0" in head:
        if _is_wide(head):
            return "is UTF-16 without the mark that says so at its begin: save it as UTF-8"
        return "holds bytes that are no text"
    return ""


def _is_wide(head: bytes) -> bool:
    """Whether every other byte is a zero, as where Latin letters have two bytes."""
    even, odd = head[0::2], head[1::2]
    return (even.strip(b"\0") == b"") != (odd.strip(b"\0") == b"")


def _why_no_titles(head: bytes, key: str, *, of_first: bool = False) -> str:
    line = first_line(head)
    shown = line if len(line) <= 60 else line[:60] + "…"
    titles = titles_of(head)
    low = [title.lower() for title in titles]
    if line.lstrip().startswith(("{", "[")):
        return f"is no log of JSON that is known under this name; it begins {shown!r}"
    if not line.strip():
        return "its first line, where the titles of a table stand, is empty"
    if line.lstrip().startswith(_COMMENTS):
        return f"its first line, where the titles of a table stand, is a comment: {shown!r}"
    if len(titles) == 1 and low[0] not in key.split(", "):
        return f"its first line holds no titles with a separator that is known: {shown!r}"
    if of_first and not low[0]:
        said = "its first column has no title, as pandas writes its index, and"
        return f"{said} several are {key}" if key in low else f"{said} none is {key}"
    if of_first and key in low[1:]:
        return f"its first column is {titles[0]!r}, and not {key}"
    if of_first and low == [key]:
        return f"it has no column but {key}"
    return why_no_column(titles, key.split(", "))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
