"""How a log was read and joined, for who needs more of it than the checkpoints' own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ckptsel.checkpoint import Finding, Log
    from ckptsel.search.places import TableIn
    from ckptsel.sources.joining.joined import Joined
    from ckptsel.sources.log import LogRow


class LogRead(NamedTuple):
    """A log that was joined, and what it takes to go through its rows again.

    Attributes:
        run: the folder of the run that it was joined to.
        log: what is shown of it.
        source: what the source of its values begins with, before the line.
        joined: the checkpoints' rows, by what they were joined, and at which offset.
        places: the checkpoints, in the order of these rows.
        is_given: whether the user has named it.
        rows: a list that takes findings → all rows, from the first one on, read and counted as
            they were when they were joined. Raises OSError.
    """

    run: str
    log: Log
    source: str
    joined: Joined
    places: Sequence[TableIn]
    is_given: bool
    rows: Callable[[list[Finding]], Iterator[LogRow]]

    @property
    def trusts_names(self) -> bool:
        """Whether metrics in the names count; else a column is what it is called."""
        return all(place.trusts_names for place in self.places)

    def by_path(self) -> dict[str, LogRow]:
        """A checkpoint's path → the row that it was given."""
        paths = (place.folder.join(name) for place in self.places for name in place.table.names)
        pairs = zip(paths, self.joined.rows, strict=True)
        return {path: row for path, row in pairs if row is not None}
