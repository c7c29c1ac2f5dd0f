"""The logs of one run, joined to its checkpoints, one held against the other."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding, Log
from ckptsel.naming.vocabulary import canonical
from ckptsel.search.logs.contest import Answer, contested, disagrees, rivals_of, undecided
from ckptsel.search.logs.families import shared_log
from ckptsel.search.logs.files import files_from, of_these_files
from ckptsel.search.logs.ownership import (
    GIVEN,
    FoundLog,
    is_elsewhere,
    together,
    unreadable,
)
from ckptsel.search.logs.printed import Side, all_of, side_of
from ckptsel.search.logs.read import LogRead
from ckptsel.search.logs.said import Said
from ckptsel.search.logs.saved_order import out_of_order
from ckptsel.search.places import Logged, TableIn
from ckptsel.sources.joining.agreement import columns
from ckptsel.sources.joining.join import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckptsel.search.survey import Survey
    from ckptsel.sources.joining.agreement import Names
    from ckptsel.sources.joining.joined import Joined
    from ckptsel.sources.log import LogRow


def join_run(
    found: Survey, run: str, places: Sequence[TableIn], logs: Sequence[FoundLog]
) -> list[TableIn]:
    """The tables of one run with what its logs say, the strongest kind first."""
    sides = [side_of(place) for place in places]
    said = Said(all_of(sides))
    answers: list[Answer] = []
    sure: set[int] = set()
    for log in sorted(together(_of_run(logs, run, places), run), key=lambda log: log[:3]):
        for other in answers[said.logs :]:
            said.add(other.joined.rows)
        findings: list[Finding] = []
        try:
            joined = _joined(log, run, places, said.all, findings)
            rivals = rivals_of(log, joined, answers)
            if rivals and disagrees(_joined(log, run, places, said.names, [])):
                rivals = []  # It contradicts the names, too, and nothing is to be said of others.
        except OSError as error:
            found.findings.append(unreadable(log.path, error))
            continue
        if joined.key == "file":
            joined = of_these_files(joined, places, log.path, findings, found.doubted)
        answer = Answer(log, joined)
        if rivals:
            findings += [contested(log, rival.log.path) for rival in rivals]
            answers = [each.without_rows() if each in rivals else each for each in answers]
            said = Said(said.names)
            answer = answer.without_rows()
        elif (left := undecided(answer, answers)) is not None:
            findings.append(contested(log, left.log.path))
            answer = answer.without_rows()
        joined = answer.joined
        for finding in joined.findings:
            # What the names have settled with another log, this one need not be about.
            is_free = finding.code == "log-disagrees" and (
                said.telling <= sure or (log.is_elsewhere and bool(answers))
            )
            findings.append(replace(finding, strict=False) if is_free else finding)
        if log.place != GIVEN:
            findings += shared_log(places, said.names, joined, log.path)
        findings += out_of_order(places, joined, log)
        found.findings += findings
        answers.append(answer)
        if len(logs) > 1 and joined.is_confirmed and not any(f.strict for f in joined.findings):
            sure |= {index for index, row in enumerate(joined.rows) if row is not None}
    logged = []
    for log, joined, _ in answers:
        told = _told(log, joined)
        found.logs.append(told)
        if joined.matched:
            again, source = partial(log.rows, run), log.source(run)
            found.reads.append(
                LogRead(run, told, source, joined, places, log.place == GIVEN, again)
            )
            one = Logged(source, joined.rows, {}, joined.key, joined.span)
            trusts_names = all(place.trusts_names for place in places)
            logged.append((one, joined.otherwise if trusts_names else {}))
    settled = next((each.joined for each in answers if each.joined.is_confirmed), None)
    if settled is not None and settled.meanings:
        places = [*_called(places, sides, settled)]
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
    files = files_from(places, base) if "file" in log.kind.offsets else {}
    if files and log.place == GIVEN:
        from ckptsel.search.logs.given import whole_paths  # noqa: PLC0415

        files = whole_paths(places)
    trusts_names = all(place.trusts_names for place in places)
    if files and not trusts_names:
        named = named._replace(printed=[])
    doubtful = log.is_elsewhere
    rows = log.rows(run, findings)
    joined = join(log.kind, rows, named, files, log.path, is_doubtful=doubtful, noticed=findings)
    if disagrees(joined) and not trusts_names:
        # What names say was not to count; that it shows the log's base is only welcome.
        rows, named = log.rows(run, []), named._replace(printed=[])
        noticed = findings
        joined = join(log.kind, rows, named, files, log.path, is_doubtful=doubtful, noticed=noticed)
    return joined


def _told(log: FoundLog, joined: Joined) -> Log:
    files = tuple(log.paths) if log.path not in log.paths else ()
    why = joined.why if joined.matched else ""
    kind, unit = log.kind.name, log.kind.unit
    offset = joined.offset - joined.shift
    return Log(log.path, kind, joined.matched, joined.key, offset, why, unit, files)


def _called(places: Sequence[TableIn], sides: Sequence[Side], settled: Joined) -> Iterable[TableIn]:
    """The tables, whose values without a label are called what a log has shown that they are.

    So a name without a row in the log, since that lags behind, competes by its own value.
    """
    field = row = 0
    for place, side in zip(places, sides, strict=True):
        meanings = {
            name: settled.meanings[n]
            for n, name in enumerate(side.fields, field)
            if n in settled.meanings
        }
        rows = settled.rows[row : row + len(place.table.names)]
        field, row = field + len(side.fields), row + len(rows)
        names = {name: side.labels.get(canonical(c), c) for name, c in meanings.items()}
        is_clear = len({*names.values()}) == len(names) and not {*names.values()} & {*side.fields}
        if names and is_clear and None in rows and place.trusts_names:
            yield place._replace(table=place.table.called(names))
        else:
            yield place


def _split(
    places: Sequence[TableIn],
    sides: Sequence[Side],
    logs: Sequence[tuple[Logged, Mapping[str, str]]],
) -> Iterable[TableIn]:
    """Each table with its part of the rows; with each log come the labels that mean otherwise."""
    start = 0
    for place, side in zip(places, sides, strict=True):
        end = start + len(place.table.names)
        of_place = []
        for log, otherwise in logs:
            rows = log.rows if len(places) == 1 else log.rows[start:end]
            labels = _labels(rows, side.labels)
            if otherwise:
                labels = {c: name for c, name in labels.items() if canonical(c) not in otherwise}
            if labels:
                of_place.append(log._replace(rows=rows, labels=labels))
        yield place._replace(logs=tuple(of_place))
        start = end


def _labels(rows: Sequence[LogRow | None], in_names: dict[str, str]) -> dict[str, str]:
    """Column → the metric's name; the names' own, where it is another spelling of that."""
    # By identity, since all rows of a log mostly have the same ones.
    seen = {id(row.names): row.names for row in rows if row is not None}
    labels: dict[str, str] = {}
    for names in seen.values():
        for label, column in columns(names).items():
            labels[column] = in_names.get(label, column)
        labels |= {name: name for name in names if name not in labels}
    return labels
