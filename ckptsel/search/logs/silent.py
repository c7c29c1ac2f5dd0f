"""Names that say nothing, of which something else may tell: a log, or the file itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.naming.form import Form, Reading
from ckptsel.naming.pattern import Pattern
from ckptsel.naming.read import Table
from ckptsel.search.places import TableIn

if TYPE_CHECKING:
    from ckptsel.search.grouping import Folder
    from ckptsel.search.survey import Survey

# No name is read by it: its tables have all their values from elsewhere.
_WORDLESS = Pattern.of(Form(()))


def silent_places(found: Survey) -> list[TableIn]:
    """The names that were not read, by folder; without those of more than one reading."""
    folders: dict[int, tuple[Folder, list[str]]] = {}
    for one in found.unread:
        if one.reading.status != "ambiguous":
            folders.setdefault(id(one.folder), (one.folder, []))[1].append(one.name)
    return [TableIn(folder, _silent(names)) for folder, names in folders.values()]


def take_told(found: Survey, place: TableIn) -> None:
    """Move silent names of which something is told now to those that were read."""
    if not place.logs:
        return
    kept = [
        row for row in range(len(place.table.names)) if any(log.rows[row] for log in place.logs)
    ]
    names = {place.table.names[row] for row in kept}
    found.read.append(
        place._replace(
            table=_silent([place.table.names[row] for row in kept]),
            logs=tuple(log._replace(rows=[log.rows[row] for row in kept]) for log in place.logs),
        )
    )
    found.unread = [
        one for one in found.unread if one.folder is not place.folder or one.name not in names
    ]


def _silent(names: list[str]) -> Table:
    return Table(_WORDLESS, _WORDLESS.forms[0], names, readings=[Reading("ok")] * len(names))
