"""Says why a search came to nothing: no checkpoint, or none that the patterns match."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.errors import NothingFoundError, PatternError, PatternMismatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.naming.form import Reading
    from ckptsel.naming.pattern import Pattern
    from ckptsel.search.grouping import Folder
    from ckptsel.search.query import Query
    from ckptsel.search.scan import Scan


class Unread(NamedTuple):
    """A checkpoint whose name says nothing, or too much."""

    folder: Folder
    name: str
    reading: Reading


def nothing_found(query: Query, scan: Scan) -> NothingFoundError:
    """There is no checkpoint; what was noticed on the way may say why."""
    where = "the listed files" if query.files is not None else ", ".join(map(repr, query.locations))
    if scan.seen:
        entries = "1 entry" if scan.seen == 1 else f"{scan.seen} entries"
        what = f"{entries}, none of them a checkpoint"
    else:
        what = "nothing is there"
    return NothingFoundError(
        f"no checkpoint in {where}: {what}",
        details=tuple(finding.said for finding in scan.findings[:5]),
        hint="loosen --include and --exclude"
        if query.include or query.exclude
        else "look in another folder; or --pattern, for names with an unusual suffix",
    )


def mismatch(given: Sequence[Pattern], unread: Sequence[Unread]) -> PatternMismatchError:
    """No name matches; say where the nearest one and its pattern part."""
    ambiguous = next((one for one in unread if one.reading.status == "ambiguous"), None)
    nearest = ambiguous or max(unread, key=lambda one: one.reading.furthest)
    path = os.path.abspath(nearest.folder.join(nearest.name))
    pattern = max(given, key=lambda each: each.parse(path).furthest)
    if ambiguous:
        pattern = next((p for p in given if p.parse(path).status == "ambiguous"), pattern)
        readings = f"{dict(ambiguous.reading.values)} or {dict(ambiguous.reading.other)}"
        return PatternMismatchError(
            f"every name that fits {pattern.text!r} has more than one reading, such as"
            f" {nearest.name!r}: {ambiguous.reading.reason or readings}",
            hint="separate the fields, or give their number formats",
        )
    hint = "compare the pattern with the name, from the caret on"
    if pattern.text.startswith(("'", '"', "f'", 'f"', "filepath=")):
        hint = "give the pattern itself, without the quotes and what stands before them"
    text, inner = nearest.name, pattern.text.rpartition("/")[2]
    if depth := pattern.forms[0].depth:
        text = "/".join(path.split("/")[-depth - 1 :])
        if any(_matches(inner, one.name) for one in unread):
            hint = f"the folders do not match, but the names do: --pattern {inner!r}"
    what = f"the pattern {pattern.text!r}; the nearest is"
    if len(given) > 1:
        what = f"any of the {len(given)} patterns; the nearest to {pattern.text!r} is"
    caret = " " * nearest.reading.furthest + "^"
    return PatternMismatchError(
        f"no name matches {what}",
        hint=hint,
        details=("".join(c if c.isprintable() else "?" for c in text), caret),
    )


def _matches(pattern: str, name: str) -> bool:
    from ckptsel.naming.pattern import Pattern  # noqa: PLC0415 - only where a folder is wrong

    try:
        return Pattern(pattern).parse(name).status == "ok"
    except PatternError:
        return False  # without its folders, it has no field
