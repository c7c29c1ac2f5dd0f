"""From the logs of the runs to values of the checkpoints that were found."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ckptsel.search.logs.of_run import join_run
from ckptsel.search.logs.ownership import (
    GIVEN,
    FoundLog,
    enclosing,
    recognised,
)
from ckptsel.search.logs.silent import silent_places, take_told

if TYPE_CHECKING:
    from ckptsel.search.places import TableIn
    from ckptsel.search.query import Query
    from ckptsel.search.survey import Survey


def add_logs(found: Survey, query: Query) -> None:
    """Join the logs beside the checkpoints to them; what they say is in `found.read` then.

    A log belongs to the nearest run folder that encloses it, and to no other.

    Args:
        found: what the search found.
        query: whether logs are read, or metrics count from them only; the tables that are given.

    Raises:
        LocationNotFoundError: if a given table cannot be read.
        UsageError: if it does not say what its rows are about, or which run.
        MissingExtraError: if the package that reads it is not installed.
    """
    if query.logs == "only":
        found.read = [place._replace(trusts_names=False) for place in found.read]
    folders = [folder for folder in found.folders if folder.logs and query.logs != "ignore"]
    if not folders and not query.metrics:
        return
    # Names that say nothing can still be named by a log.
    silent = silent_places(found)
    runs: dict[str, list[TableIn]] = {}
    for place in (*found.read, *silent):
        runs.setdefault(place.run, []).append(place)
    logs: dict[str, list[FoundLog]] = {}
    # A run, and a folder in it that was named as well, have the same logs.
    for folder in {folder.path: folder for folder in folders}.values():
        nearest = enclosing(folder, runs)
        if nearest is not None:
            logs.setdefault(nearest, []).extend(recognised(found.findings, folder, nearest))
    if query.metrics:
        from ckptsel.search.logs.given import given_tables, unmatched  # noqa: PLC0415 - only where one is

        # What the user has named is no log besides, which would be read another way.
        named = {os.path.realpath(path) for path in query.metrics}
        for run, found_there in logs.items():
            logs[run] = [log for log in found_there if os.path.realpath(log.path) not in named]
        given = given_tables(query.metrics, query.key, runs)
        for order, (run, path, kind) in enumerate(given):
            logs.setdefault(run, []).append(FoundLog(GIVEN, order, path, kind))
    done: dict[int, TableIn] = {}
    for run, kinds in logs.items():
        for place, new in zip(runs[run], join_run(found, run, runs[run], kinds), strict=True):
            done[id(place)] = new
    found.read = [done.get(id(place), place) for place in found.read]
    for place in silent:
        take_told(found, done.get(id(place), place))
    if query.metrics:
        told = {log.path for log in found.logs if log.joined} | {f.path for f in found.findings}
        found.findings += (unmatched(path, query.key) for path in query.metrics if path not in told)
