"""Logs that say nothing of what is ranked by: what is doubtful about them changes no answer."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.naming.vocabulary import canonical
from ckptsel.search.logs.contest import labels_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckptsel.checkpoint import Finding, Ranking
    from ckptsel.search.survey import Survey

# So many bytes of a log that could not be read tell whether it has the monitor.
_HEAD_BYTES = 2**16
_SHORTEST_WORD = 3


def less_grave(found: Survey, ranking: Ranking) -> list[Finding]:
    """The findings, where those of logs without any of the monitors are only said.

    A table that the user has named is about something that was wanted, and stays grave; so does a
    log that tells epochs and steps of files, which decide among equals.

    Args:
        found: what was found, with the logs that were joined.
        ranking: what it was ranked by; of the shown rows, no value may come from such a log.
    """
    grave = {each.path for each in found.findings if each.strict and each.code.startswith("log-")}
    if ranking.monitor is None or not grave:
        return found.findings
    monitors = [one.name for one in (ranking.monitor, *ranking.further)]
    wanted = {canonical(name) for name in monitors}
    values = (metric for row in ranking.rows for metric in (row.metric, *row.further))
    sources = {metric.source for metric in values if metric is not None}
    needed: set[str] = set()
    unneeded: set[str] = set()
    for read in found.reads:
        is_wanted = read.is_given or read.joined.key == "file"
        is_used = any(source.startswith(read.source) for source in sources)
        means = {*labels_of(read.joined.rows), *read.joined.otherwise}
        is_needed = is_wanted or is_used or wanted & means
        # Logs of several files have the path of their run.
        (needed if is_needed else unneeded).update((read.log.path, *read.log.files))
    for log in found.logs:
        # Of what gave nothing, its text tells.
        paths = {log.path, *log.files}
        if not log.joined and grave & paths and not _names(log.files or (log.path,), monitors):
            unneeded |= paths
    return [*_softened(found.findings, unneeded - needed)]


def _names(files: Iterable[str], monitors: Iterable[str]) -> bool:
    """Whether one of the files begins with a text that has a word of a monitor's name."""
    words = {
        word.encode()
        for name in monitors
        for word in re.findall(r"[a-z0-9]+", name.lower())
        if len(word) >= _SHORTEST_WORD
    }
    return not words or any(word in head for head in _heads(files) for word in words)


def _heads(files: Iterable[str]) -> Iterator[bytes]:
    for path in files:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                yield file.read(_HEAD_BYTES).lower()


def _softened(findings: Iterable[Finding], paths: set[str]) -> Iterable[Finding]:
    for each in findings:
        is_of_log = each.path in paths and each.code.startswith("log-")
        yield replace(each, strict=False) if is_of_log and each.strict else each
