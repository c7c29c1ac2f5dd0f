"""Logs that say nothing of what is ranked by: what is doubtful about them changes no answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.naming.vocabulary import canonical
from ckptsel.search.logs.contest import labels_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.checkpoint import Finding, Ranking
    from ckptsel.search.survey import Survey


def less_grave(found: Survey, ranking: Ranking) -> list[Finding]:
    """The findings, where those of logs without any of the monitors are only said.

    A table that the user has named is about something that was wanted, and stays grave; so does a
    log that tells epochs and steps of files, which decide among equals.

    Args:
        found: what was found, with the logs that were joined.
        ranking: what it was ranked by; of the shown rows, no value may come from such a log.
    """
    if ranking.monitor is None:
        return found.findings
    wanted = {canonical(one.name) for one in (ranking.monitor, *ranking.further)}
    sources = {
        metric.source for row in ranking.rows for metric in (row.metric, *row.further) if metric
    }
    unneeded: set[str] = set()
    for read in found.reads:
        is_wanted = read.is_given or read.joined.key == "file"
        is_used = any(source.startswith(read.source) for source in sources)
        if not is_wanted and not is_used and not wanted & labels_of(read.joined.rows):
            unneeded |= {read.log.path, *read.log.files}
    return [*_softened(found.findings, unneeded)]


def _softened(findings: Iterable[Finding], paths: set[str]) -> Iterable[Finding]:
    for each in findings:
        is_of_log = each.path in paths and each.code.startswith("log-")
        yield replace(each, strict=False) if is_of_log and each.strict else each
