"""What stands around a file: the checkpoints of its run and of the places named, and their logs."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.errors import NothingFoundError
from ckptsel.search.grouping import run_of
from ckptsel.selection import select_with_survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckptsel.checkpoint import Checkpoint, Finding
    from ckptsel.search.logs.read import LogRead
    from ckptsel.search.query import Query


class Surroundings(NamedTuple):
    """What was found around a file.

    Attributes:
        path: the file that is asked about.
        run: the folder of the run that it lies in.
        own: the file itself; None if it was not found as a checkpoint.
        checkpoints: all that were found.
        reads: the logs that were joined to them.
        findings: what was noticed.
        learned: whether the names were read by patterns that were learned from them.
    """

    path: str
    run: str
    own: Checkpoint | None = None
    checkpoints: Sequence[Checkpoint] = ()
    reads: Sequence[LogRead] = ()
    findings: Sequence[Finding] = ()
    learned: bool = False

    @property
    def others(self) -> list[Checkpoint]:
        """The other checkpoints of which an epoch or a step is told."""
        return [one for one in self.checkpoints if one is not self.own and tells(one)]

    def at(self, path: str) -> Checkpoint | None:
        """The checkpoint at a path."""
        return next((one for one in self.checkpoints if one.path == path), None)

    def is_of_own_run(self, run: str) -> bool:
        """Whether a run is the one that the file lies in."""
        return _is_same(run, self.run)

    def noticed_of(self, run: str, paths: Sequence[str]) -> list[Finding]:
        """What was noticed of the logs of one run, or of one of these paths."""
        runs = {os.path.abspath(one.run) for one in self.checkpoints} | {os.path.abspath(run)}
        of_run = [each for each in self.findings if each.code.startswith("log-")]
        kept = [each for each in of_run if _is_same(_nearest(each.path, runs), run)]
        about = {os.path.abspath(path) for path in paths}
        kept += [each for each in self.findings if os.path.abspath(each.path) in about]
        return [*dict.fromkeys(kept)]


def look_around(
    path: str, query: Query, progress: Callable[[int], None] | None = None
) -> Surroundings:
    """Look in the file's own run, and in the query's locations.

    Args:
        path: the file, the folder or the TensorFlow prefix.
        query: how names are read, and where else other checkpoints are.
        progress: is told now and then how many files have been seen.

    Raises:
        LocationNotFoundError: if there is nothing at a location.
    """
    itself = path if os.path.exists(path) else path + ".index"
    alone = _search(path, (itself,), query, progress) if os.path.isdir(path) else None
    # A folder may hold the checkpoints of a run, and besides be one itself.
    run = path if alone is not None and alone.others else _run_folder(path)
    found = _search(path, (run, *query.locations), query, progress)._replace(run=run)
    if found.own is not None:
        return found._replace(run=found.own.run)
    # No checkpoint by its suffix, or a link to one of the others.
    alone = alone or _search(path, (itself,), query, progress)
    if alone.own is None or not tells(alone.own):
        return found._replace(own=alone.own)
    about = [each for each in found.findings if _is_same(each.path, path)]
    return alone._replace(run=alone.own.run, findings=[*alone.findings, *about])


def tells(checkpoint: Checkpoint) -> bool:
    """Whether its epoch or its step is told, by its name or a log."""
    return checkpoint.epoch is not None or checkpoint.step is not None


def _search(
    path: str,
    locations: tuple[str, ...],
    query: Query,
    progress: Callable[[int], None] | None,
) -> Surroundings:
    """All checkpoints of some places, with what names and logs say of them."""
    asked = replace(query, locations=locations, monitor=None, strict=False, about=path)
    try:
        ranking, seen = select_with_survey(asked, rank=False, progress=progress)
    except NothingFoundError:
        return Surroundings(path, "")  # the file may still say something itself
    found = [row.checkpoint for row in ranking.rows]
    own = next((one for one in found if _is_same(one.path, path)), None)
    return Surroundings(path, "", own, found, seen.reads, ranking.findings, ranking.learned)


def _run_folder(path: str) -> str:
    """The folder of the run that a checkpoint belongs to, by where it stands."""
    return run_of(os.path.dirname(path), "") or os.curdir


def _is_same(path: str, other: str) -> bool:
    return os.path.abspath(path) == os.path.abspath(other)


def _nearest(path: str, runs: set[str]) -> str:
    """The run that a log belongs to: the nearest that encloses it; the top, if there is none."""
    path = os.path.abspath(path)
    while path not in runs and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path
