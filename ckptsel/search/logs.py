"""From the logs of the runs to values of the checkpoints that were found."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ckptsel import storage
from ckptsel.checkpoint import Finding, Log
from ckptsel.naming.form import Form, Reading
from ckptsel.naming.pattern import Pattern
from ckptsel.naming.read import Table
from ckptsel.naming.vocabulary import role_of
from ckptsel.search.grouping import run_of
from ckptsel.search.log_read import LogRead
from ckptsel.search.ownership import (
    GIVEN,
    FoundLog,
    enclosing,
    is_elsewhere,
    recognised,
    together,
    unreadable,
)
from ckptsel.search.places import Logged, TableIn
from ckptsel.search.printed import Side, all_of, side_of
from ckptsel.search.replaced import Doubt
from ckptsel.sources.agreement import Names, Printed, columns
from ckptsel.sources.join import Joined, join
from ckptsel.sources.log import number
from ckptsel.training_log.identity import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.search.grouping import Folder
    from ckptsel.search.mismatch import Unread
    from ckptsel.search.query import Query
    from ckptsel.search.survey import Survey
    from ckptsel.sources.log import LogRow

# The table of names that say nothing, whose values are all from a log.
_WORDLESS = Pattern.of(Form(()))


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
    spoken = [(place.run, place) for place in found.read]
    silent = [
        (run_of(folder.path, folder.root), TableIn(folder, _silent(names)))
        for folder, names in _by_folder(found.unread)
    ]
    runs: dict[str, list[TableIn]] = {}
    for run, place in (*spoken, *silent):
        runs.setdefault(run, []).append(place)
    logs: dict[str, list[FoundLog]] = {}
    # A run, and a folder in it that was named as well, have the same logs.
    for folder in {folder.path: folder for folder in folders}.values():
        nearest = enclosing(folder, runs)
        if nearest is not None:
            logs.setdefault(nearest, []).extend(recognised(found.findings, folder, nearest))
    if query.metrics:
        from ckptsel.search.given import given_tables  # noqa: PLC0415 - only where one is

        # What the user has named is no log besides, which would be read another way.
        named = {os.path.realpath(path) for path in query.metrics}
        for run, found_there in logs.items():
            logs[run] = [log for log in found_there if os.path.realpath(log.path) not in named]
        given = given_tables(query.metrics, query.key, runs)
        for order, (run, path, kind) in enumerate(given):
            logs.setdefault(run, []).append(FoundLog(GIVEN, order, path, kind))
    done: dict[int, TableIn] = {}
    for run, kinds in logs.items():
        for place, new in zip(runs[run], _join_run(found, run, runs[run], kinds), strict=True):
            done[id(place)] = new
    found.read = [done.get(id(place), place) for place in found.read]
    for _, place in silent:
        _take_named(found, done.get(id(place), place))


class _Answer(NamedTuple):
    """A log that was joined."""

    log: FoundLog
    joined: Joined


def _join_run(
    found: Survey, run: str, places: Sequence[TableIn], logs: Sequence[FoundLog]
) -> list[TableIn]:
    """The tables of one run with what its logs say, the strongest kind first."""
    sides = [side_of(place) for place in places]
    named = own = all_of(sides)
    answers: list[_Answer] = []
    unsettled = set(range(len(own.names)))
    contested: set[str] = set()
    held = 0  # of the answers, in `named`: with the last one's values nothing is compared
    for log in sorted(together(_of_run(logs, run, places), run), key=lambda log: log[:3]):
        findings: list[Finding] = []
        for _, joined in answers[held:]:
            named = _with_values(named, joined.rows) if joined.matched else named
        held = len(answers)
        try:
            joined = _joined(log, run, places, named, findings)
            rivals = _rivals(log, joined, answers)
            if rivals and _disagrees(_joined(log, run, places, own, [])):
                rivals = []  # It contradicts the names, too, and nothing is to be said of others.
        except OSError as error:
            found.findings.append(unreadable(log.path, error))
            continue
        if joined.key == "file":
            joined = _of_these_files(found, places, joined, findings, log.path)
        found.findings += findings
        if rivals or (log.kind.name in contested and not joined.is_confirmed):
            contested.add(log.kind.name)
            found.findings += [_contest(log, rival) for rival in rivals]
            nothing = [None] * len(own.names)
            answers = [
                each._replace(joined=each.joined._replace(rows=nothing)) if each in rivals else each
                for each in answers
            ]
            named, held = own, 0
            joined = joined._replace(rows=nothing, findings=())
        for finding in joined.findings:
            # What the names have settled with another log, this one need not be about.
            is_settled = finding.code == "log-disagrees" and not unsettled
            found.findings.append(replace(finding, strict=False) if is_settled else finding)
        answers.append(_Answer(log, joined))
        if joined.is_confirmed and not any(finding.strict for finding in joined.findings):
            unsettled -= {index for index, row in enumerate(joined.rows) if row is not None}
    logged = []
    for log, joined in answers:
        told = _told(log, joined)
        found.logs.append(told)
        if joined.matched:
            again, source = partial(log.rows, run), log.source(run)
            found.reads.append(LogRead(run, told, source, joined, places, again))
            names_files = joined.key == "file"
            logged.append(Logged(source, joined.rows, {}, names_files=names_files))
    return [*_split(places, sides, logged)]


def _of_run(logs: Iterable[FoundLog], run: str, places: Sequence[TableIn]) -> Iterable[FoundLog]:
    """The logs, each with whether it may be another run's, and with habits that hold here."""
    kinds = {place.folder.kind_of(place.table.names[0]) for place in places if place.table.names}
    for log in logs:
        if log.kind.writes and not kinds <= log.kind.writes:
            kind = replace(log.kind, offsets=dict.fromkeys(log.kind.offsets))
            log = log._replace(kind=kind)  # noqa: PLW2901
        if log.place == GIVEN:
            yield log
        else:
            yield log._replace(is_elsewhere=is_elsewhere(os.path.dirname(log.path), run, places))


def _joined(
    log: FoundLog, run: str, places: Sequence[TableIn], named: Names, findings: list[Finding]
) -> Joined:
    """One log, read and joined.

    Raises:
        OSError: if it cannot be read.
    """
    base = run if log.paths else os.path.dirname(log.path)
    files = _files(places, base) if "file" in log.kind.offsets else {}
    if files and log.place == GIVEN:
        from ckptsel.search.given import whole_paths  # noqa: PLC0415

        files = whole_paths(places)
    trusts_names = all(place.trusts_names for place in places)
    if files and not trusts_names:
        named = named._replace(printed=[])
    doubtful = log.is_elsewhere
    rows = log.rows(run, findings)
    joined = join(log.kind, rows, named, files, log.path, is_doubtful=doubtful, noticed=findings)
    if _disagrees(joined) and not trusts_names:
        # What names say was not to count; that it shows the log's base is only welcome.
        rows, named = log.rows(run, []), named._replace(printed=[])
        noticed = findings
        joined = join(log.kind, rows, named, files, log.path, is_doubtful=doubtful, noticed=noticed)
    return joined


def _disagrees(joined: Joined) -> bool:
    """Whether nothing was joined, because something is contradicted."""
    return not joined.matched and any(each.code == "log-disagrees" for each in joined.findings)


def _rivals(log: FoundLog, joined: Joined, answers: Sequence[_Answer]) -> list[_Answer]:
    """The logs of the same kind that a log contradicts, and that no name confirms either."""
    if log.place == GIVEN or not _disagrees(joined):
        return []
    return [
        each
        for each in answers
        if each.joined.matched
        and each.log.kind.name == log.kind.name
        and not each.joined.is_confirmed
    ]


def _contest(log: FoundLog, rival: _Answer) -> Finding:
    said = f"it and {rival.log.path} tell different values of the same checkpoints, and no name"
    said += " tells which of them is about these: neither was used"
    return Finding("log-several-runs", said, log.path, strict=True)


def _told(log: FoundLog, joined: Joined) -> Log:
    files = tuple(log.paths) if log.path not in log.paths else ()
    why = joined.why if joined.matched else ""
    kind, unit = log.kind.name, log.kind.unit
    offset = joined.offset - joined.shift
    return Log(log.path, kind, joined.matched, joined.key, offset, why, unit, files)


def _with_values(named: Names, rows: Sequence[LogRow | None]) -> Names:
    """With what a log says, which further logs are compared with."""
    metrics: dict[str, list[str]] = {}
    seen: tuple[str, ...] = ()
    known: list[tuple[str, int]] = []
    for index, row in enumerate(rows):
        if row is None:
            continue
        if row.names is not seen:
            seen = row.names
            labels = columns(seen).items()
            known = [(label, seen.index(c)) for label, c in labels if role_of(c) == "metric"]
        for label, column in known:
            metrics.setdefault(label, [""] * len(rows))[index] = row.texts[column]
    of_files = [row if row is not None and row.file else None for row in rows]
    return named._replace(
        epochs=[
            e if e is not None or not row else row.epoch
            for e, row in zip(named.epochs, of_files, strict=True)
        ],
        steps=[
            s if s is not None or not row else row.step
            for s, row in zip(named.steps, of_files, strict=True)
        ],
        printed=[
            *named.printed,
            *(
                Printed(label, [*map(number, texts)], [0.0] * len(texts), texts)
                for label, texts in metrics.items()
            ),
        ],
    )


def _split(
    places: Sequence[TableIn], sides: Sequence[Side], logs: Sequence[Logged]
) -> Iterable[TableIn]:
    """Each table with its part of the rows."""
    start = 0
    for place, side in zip(places, sides, strict=True):
        end = start + len(place.table.names)
        of_place = []
        for log in logs:
            rows = log.rows[start:end]
            if labels := _labels(rows, side.labels):
                of_place.append(log._replace(rows=rows, labels=labels))
        yield place._replace(logs=tuple(of_place))
        start = end


def _labels(rows: Sequence[LogRow | None], in_names: dict[str, str]) -> dict[str, str]:
    """Column → the metric's name; the names' own, where it is another spelling of that."""
    seen = {row.names for row in rows if row is not None}
    labels: dict[str, str] = {}
    for names in seen:
        for label, column in columns(names).items():
            labels[column] = in_names.get(label, column)
        labels |= {name: name for name in names if name not in labels}
    return labels


def _files(places: Sequence[TableIn], folder: str) -> dict[str, int]:
    """The paths of all checkpoints relative to a log's folder → their index."""
    files: dict[str, int] = {}
    index = 0
    for place in places:
        inner = os.path.relpath(place.folder.path or os.curdir, folder or os.curdir)
        before = "" if inner == os.curdir else inner.replace(os.sep, "/") + "/"
        for name in place.table.names:
            files[before + name] = index
            index += 1
    return files


def _of_these_files(
    found: Survey, places: Sequence[TableIn], joined: Joined, findings: list[Finding], path: str
) -> Joined:
    """Without the rows about a file of another size: that file was replaced.

    Those of another time are noted, and are read where they would win.
    """
    rows = list(joined.rows)
    paths = ((place, name) for place in places for name in place.table.names)
    for index, (place, name) in enumerate(paths):
        row = rows[index]
        if row is None or row.mark is None or row.mark == Mark():
            continue
        try:
            stats = [storage.stat(file) for file in place.folder.files_of(name)]
        except OSError:
            continue  # it is gone, which is said where it is looked at
        size = sum(stat.size_bytes for stat in stats)
        is_it = row.mark.is_of(size, stats[0].mtime_ns)
        if is_it is None and row.mark[1:] != Mark()[1:]:
            found.doubted.append(Doubt(place.folder.join(name), row, path))
        if is_it is False:
            rows[index] = None
            said = f"line {row.place} tells of a {name!r} of {row.mark.size_bytes} bytes, and"
            said += f" it has {size}: the log is not about this file, and was not used for it"
            findings.append(Finding("log-other-file", said, path, strict=True))
    return joined._replace(rows=rows)


def _by_folder(unread: Iterable[Unread]) -> Iterable[tuple[Folder, list[str]]]:
    folders: dict[int, tuple[Folder, list[str]]] = {}
    for one in unread:
        if one.reading.status != "ambiguous":
            folders.setdefault(id(one.folder), (one.folder, []))[1].append(one.name)
    return folders.values()


def _silent(names: list[str]) -> Table:
    return Table(_WORDLESS, _WORDLESS.forms[0], names, readings=[Reading("ok")] * len(names))


def _take_named(found: Survey, place: TableIn) -> None:
    """Move names that say nothing to those that were read, where a log names them."""
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
