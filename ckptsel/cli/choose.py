"""What the commands that choose checkpoints have in common: rank, say what was noticed, take."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.cli import output
from ckptsel.cli.progress import progress
from ckptsel.cli.reports.text import count
from ckptsel.errors import NothingFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Ranked, Ranking
    from ckptsel.selection import Query
    from ckptsel.verification.soundness import Sound


def ranked(query: Query, *, keep: int | None = None, rank: bool = True) -> Ranking:
    """Ask the core for a ranking, and say on stderr what it noticed."""
    from ckptsel.selection import select

    with progress(lambda files: count(files, "file") + "…") as tick:
        ranking = select(query, keep=keep, rank=rank, progress=tick)
    output.findings(ranking.findings)
    return ranking


def wanted(query: Query, top: int | None) -> int | None:
    """How many rows to ask the core for: those that are taken, and a runner-up."""
    # The runs are not counted before they are found.
    return None if query.takes_several and top is None else (top or 1) + 1


def taken(ranking: Ranking, query: Query, top: int | None) -> Sequence[Ranked]:
    """The best N rows, or all if there are fewer; without an N the best one, or each run's.

    With --pareto and without an N, the front.

    Raises:
        NothingFoundError: none has a place in the ranking.
    """
    rows = [row for row in ranking.rows if row.rank is not None]
    if not rows:
        raise NothingFoundError("no checkpoint could be ranked")
    number = len(rows) if query.takes_several and top is None else top or 1
    return rows[:number]


def sound(ranking: Ranking, query: Query, top: int | None) -> Sound:
    """As `taken`, of the checkpoints that are sound; say which were passed over, and why.

    Raises:
        NothingFoundError: none has a place in the ranking.
        DamagedError: none is sound; under --strict, one that had to be opened is not.
        TieError: under --tie error, two sound ones share the last place that is taken.
    """
    from ckptsel.cli.progress import reading
    from ckptsel.cli.verified import say
    from ckptsel.verification.soundness import sound as core

    taken(ranking, query, top)
    number = None if query.takes_several and top is None else top or 1
    with reading() as on_bytes:
        found = core(query, ranking, number, keep=wanted(query, top), on_bytes=on_bytes)
    say(found.verdicts)
    # A tie, perhaps, that only shows where the damaged ones are gone.
    output.findings(found.ranking.findings[len(ranking.findings) :])
    return found


def verified(ranking: Ranking, rows: Sequence[Ranked], query: Query) -> Sound:
    """Verify rows where they stand; none is passed over.

    Raises:
        DamagedError: under --strict, one is damaged or not safe to load.
    """
    from ckptsel.cli.progress import reading
    from ckptsel.verification.soundness import Sound
    from ckptsel.verification.soundness import verified as core

    with reading() as on_bytes:
        verdicts = core(rows, strict=query.strict, on_bytes=on_bytes)
    return Sound(ranking, tuple(rows), verdicts=verdicts)
