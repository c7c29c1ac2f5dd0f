"""From the logs of the runs to values of the checkpoints that were found."""

from __future__ import annotations

import os
import re
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
from ckptsel.search.places import Logged, TableIn
from ckptsel.search.printed import Side, all_of, side_of
from ckptsel.search.replaced import Doubt
from ckptsel.sources import kind_of
from ckptsel.sources.agreement import Names, Printed, columns
from ckptsel.sources.join import Joined, join
from ckptsel.sources.log import number
from ckptsel.training_log.identity import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckptsel.search.grouping import Folder
    from ckptsel.search.mismatch import Unread
    from ckptsel.search.query import Query
    from ckptsel.search.survey import Survey
    from ckptsel.sources.log import LogKind, LogRow

# The table of names that say nothing, whose values are all from a log.
_WORDLESS = Pattern.of(Form(()))


# Folders that hold a run's logs, and are no run of their own: `logs`, Lightning's
# `lightning_logs/version_0`, MMEngine's `20240131_120000/vis_data`, TensorBoard's `train`.
_OF_LOGS = re.compile(
    r"\.|(?:\w+_)?logs?|metrics|history|results|version_\d+|\d{8}[_-]\d{6}|vis_data"
    r"|fit|[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_.+|tensorboard|tb|events|runs?|train|training|validation|val|test|output|outputs",
    re.IGNORECASE,
)


# Where a table stands that the user named: it is asked first.
_GIVEN = -1


class _Found(NamedTuple):
    """A log of one run, of one file or of several. They sort by who is asked first."""

    place: int
    distance: int
    path: str
    kind: LogKind
    paths: Sequence[str] = ()
    is_elsewhere: bool = False

    def rows(self, run: str, findings: list[Finding]) -> Iterator[LogRow]:
        """The log's rows; of several files, if it has them.

        Raises:
            OSError: if it cannot be read.
        """
        if self.kind.read_together is not None:
            return self.kind.read_together(run, self.paths, findings)
        return self.kind.read(self.path, findings)

    def source(self, run: str) -> str:
        """What the source of its values begins with, before the line."""
        if self.paths:
            return f"{self.kind.name}:"
        inner = self.path.removeprefix(run + os.sep).replace(os.sep, "/")
        return f"{self.kind.name}:{inner}:"


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
    logs: dict[str, list[_Found]] = {}
    for folder in folders:
        nearest = _enclosing(folder, runs)
        if nearest is not None:
            logs.setdefault(nearest, []).extend(_recognised(found, folder, nearest))
    if query.metrics:
        from ckptsel.search.given import given_tables  # noqa: PLC0415 - only where one is

        # What the user has named is no log besides, which would be read another way.
        named = {os.path.realpath(path) for path in query.metrics}
        for run, found_there in logs.items():
            logs[run] = [log for log in found_there if os.path.realpath(log.path) not in named]
        given = given_tables(query.metrics, query.key, runs)
        for order, (run, path, kind) in enumerate(given):
            logs.setdefault(run, []).append(_Found(_GIVEN, order, path, kind))
    done: dict[int, TableIn] = {}
    for run, kinds in logs.items():
        for place, new in zip(runs[run], _join_run(found, run, runs[run], kinds), strict=True):
            done[id(place)] = new
    found.read = [done.get(id(place), place) for place in found.read]
    for _, place in silent:
        _take_named(found, done.get(id(place), place))


def _enclosing(folder: Folder, runs: dict[str, list[TableIn]]) -> str | None:
    """The nearest run folder from a log's folder upwards, None if there is none."""
    path = folder.path
    while path not in runs:
        above = os.path.dirname(path)
        if path in (folder.root, above):
            return None
        path = above
    return path


def _is_elsewhere(folder: str, run: str, places: Sequence[TableIn]) -> bool:
    """Whether a log's folder, below a run's, may be that of another run without checkpoints."""
    if any(place.folder.path == folder for place in places):
        return False
    inner = os.path.relpath(folder or os.curdir, run or os.curdir)
    return not all(_OF_LOGS.fullmatch(part) for part in inner.split(os.sep))


def _recognised(found: Survey, folder: Folder, run: str) -> Iterable[_Found]:
    for name in folder.logs:
        path = folder.join(name)
        try:
            kind = kind_of(path, name)
        except OSError as error:
            found.findings.append(_unreadable(path, error))
            continue
        if kind is not None:
            distance = folder.path.count(os.sep) - run.count(os.sep)
            yield _Found(kind[0], distance, path, kind[1])


def _unreadable(path: str, error: OSError) -> Finding:
    return Finding("log-unreadable", f"cannot be read: {error.strerror}", path, strict=True)


def _join_run(
    found: Survey, run: str, places: Sequence[TableIn], logs: list[_Found]
) -> list[TableIn]:
    """The tables of one run with what its logs say, the strongest kind first."""
    sides = [side_of(place) for place in places]
    named = all_of(sides)
    answers: list[Logged] = []
    unsettled = set(range(len(named.names)))
    logs = [
        log._replace(is_elsewhere=_is_elsewhere(os.path.dirname(log.path), run, places))
        if log.place != _GIVEN
        else log
        for log in logs
    ]
    ordered = sorted(_together(logs, run), key=lambda log: log[:3])
    for log in ordered:
        findings: list[Finding] = []
        base = run if log.paths else os.path.dirname(log.path)
        files = _files(places, base) if "file" in log.kind.offsets else {}
        if files and log.place == _GIVEN:
            from ckptsel.search.given import whole_paths  # noqa: PLC0415

            files = whole_paths(places)
        try:
            doubtful = log.is_elsewhere
            rows = log.rows(run, findings)
            joined = join(
                log.kind, rows, named, files, log.path, is_doubtful=doubtful, noticed=findings
            )
        except OSError as error:
            found.findings.append(_unreadable(log.path, error))
            continue
        if joined.key == "file":
            joined = _of_these_files(found, places, joined, findings, log.path)
        found.findings += findings
        for finding in joined.findings:
            # What another log has told already, this one need not be about.
            is_settled = finding.code == "log-disagrees" and not unsettled
            found.findings.append(replace(finding, strict=False) if is_settled else finding)
        found.logs.append(
            Log(
                log.path,
                log.kind.name,
                joined.matched,
                joined.key,
                joined.offset,
                joined.why,
                log.kind.unit,
                tuple(log.paths) if log.path not in log.paths else (),
            )
        )
        if joined.matched:
            again = partial(log.rows, run)
            found.reads.append(LogRead(run, found.logs[-1], joined, places, again))
            names_files = joined.key == "file"
            answers.append(Logged(log.source(run), joined.rows, {}, names_files=names_files))
            if log is ordered[-1]:
                continue
            if not any(finding.strict for finding in joined.findings):
                unsettled -= {index for index, row in enumerate(joined.rows) if row is not None}
            named = _with_values(named, joined.rows)
    return [*_split(places, sides, answers)]


def _together(logs: list[_Found], run: str) -> Iterable[_Found]:
    """The logs, where those of several files are one."""
    several: dict[tuple[int, bool], list[_Found]] = {}
    for log in logs:
        if log.kind.read_together is None:
            yield log
        else:
            # What names the files is not doubtful, wherever it stands.
            is_doubtful = log.is_elsewhere and "file" not in log.kind.offsets
            several.setdefault((log.place, is_doubtful), []).append(log)
    for ones in several.values():
        path = ones[0].path if len(ones) == 1 else run or os.curdir
        paths = sorted(one.path for one in ones)
        yield ones[0]._replace(distance=min(o.distance for o in ones), path=path, paths=paths)


def _with_values(named: Names, rows: Sequence[LogRow | None]) -> Names:
    """With what a log says, which further logs are compared with."""
    metrics: dict[str, list[str]] = {}
    for index, row in enumerate(rows):
        values = row.values if row is not None else {}
        for label, column in columns(tuple(values)).items():
            if role_of(column) == "metric":
                metrics.setdefault(label, [""] * len(rows))[index] = values[column]
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
        if row is None or row.mark == Mark():
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
