"""Which row of a log belongs to which checkpoint. Pure: no file is touched.

By the file's name where the log names files; else by epoch or step, whose base is not assumed:
it is the one at which the names' printed values agree with the log.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.sources.joining.agreement import as_validation, contradiction
from ckptsel.sources.joining.base import (
    by_values,
    counting_less,
    multiples,
    shown,
    within_epochs,
    without_values,
)
from ckptsel.sources.joining.holding import held_at
from ckptsel.sources.joining.joined import Joined, Rows
from ckptsel.sources.joining.matching import match as match_of
from ckptsel.sources.joining.negated import as_negative
from ckptsel.sources.joining.rows_at import LESS, OFFSETS
from ckptsel.sources.log import Key, LogKind, LogRow, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckptsel.sources.joining.agreement import Names
    from ckptsel.sources.joining.matching import Match
    from ckptsel.sources.joining.rows_at import At


def join(
    kind: LogKind,
    rows: Iterable[LogRow],
    named: Names,
    files: Mapping[str, int],
    path: str = "",
    *,
    is_doubtful: bool = False,
    noticed: Sequence[Finding] = (),
) -> Joined:
    """Find each checkpoint's row.

    Args:
        kind: the log's kind.
        rows: its rows, which are gone through once; those that no checkpoint could have are
            not kept.
        named: the checkpoints.
        files: the checkpoints' paths relative to the log's folder → their index in `named`.
        path: the log's, for findings.
        is_doubtful: whether it may be another run's log, so that only agreeing values show that
            it is not.
        noticed: what is found in the log while its rows are gone through.

    Returns:
        The rows, with one answer for the whole log: where names and log contradict each other,
        nothing is joined, and it is said.
    """
    matches = [match_of(kind, key, named, files) for key in kind.offsets]
    matches = [match for match in matches if match.places]
    # Each row goes through here, and most of a large log belong to no checkpoint.
    wanted = [(LogRow._fields.index(m.key), m.wanted, m.rows, m.keep) for m in matches]
    rows = iter(rows)
    first = row = next(rows, None)
    at: Any
    for row in rows if first is None else chain((first,), rows):
        for position, places, kept, keep in wanted:
            at = row[position]
            if at in places:
                if at in kept:
                    keep(at, row)
                else:
                    kept[at] = row
    if first is not None and row is not None:
        for match in matches:
            match.first, match.last = (_count(each, match.key) for each in (first, row))
    growing = any(finding.code == "log-half-line" for finding in noticed)
    tried: Joined | None = None
    for match in matches:
        if match.rows:
            if match.key == "file":
                joined = _by_file(match, kind, path)
            else:
                joined = _by_count(match, kind, path, is_doubtful=is_doubtful, is_growing=growing)
            # Steps that count something else do not speak against the epochs.
            if joined.matched:
                return joined
            tried = tried or joined
    return tried or Joined([None] * len(named.names), "file")


def _by_count(
    match: Match, kind: LogKind, path: str, *, is_doubtful: bool, is_growing: bool
) -> Joined:
    """The rows at the offset that the names and the log agree on."""
    tried = {offset: held_at(match, offset) for offset in OFFSETS}
    otherwise: Mapping[str, str] = {}
    if not any(at.fits for at in tried.values()) and (other := _otherwise(match)) is not None:
        match, tried, otherwise = other
    against = any(at.against for at in tried.values())
    if against and all(at.against or not at.found for at in tried.values()):
        return _nothing(match, _disagreement(match, kind, path))
    chosen = by_values(match, tried, is_doubtful=is_doubtful)
    if chosen is None and is_doubtful:
        said = "in a folder of its own, and no value shows that it is this run's: not used"
        return _nothing(match, Finding("log-elsewhere", said, path))
    chosen = chosen or without_values(match, kind, tried, is_growing=is_growing)
    if chosen is None and match.key not in kind.only_by_values:
        tried[LESS] = held_at(match, LESS)
        chosen = counting_less(match, tried[LESS])
    if chosen is None:
        said = f"whether its {match.key}s count as the names do cannot be told: not used"
        return _nothing(match, Finding("log-base-assumed", said, path, strict=True))
    findings: list[Finding] = []
    if chosen.is_assumed:
        count = _more(match.key, chosen.offset - _shift(match))
        said = f"that names count {count} the log is assumed:"
        strict = not chosen.is_usual
        findings.append(Finding("log-base-assumed", f"{said} {chosen.why}", path, strict=strict))
    at = tried[chosen.offset]
    found = {**at.found}
    if match.key == "epoch" and (within := within_epochs(match.named, found, at.agreeing)):
        name = match.named.names[within[0]]
        said = f"{len(within)} names, as {name!r}, tell more than the epoch: a moment within it, or"
        said += " which of several trainings; the log only knows epochs, and was not used for them"
        findings.append(Finding("log-too-coarse", said, path, strict=True))
        for index in within:
            del found[index]
    if again := [index for index in at.again if index in found]:
        said = f"the log has several rows of one {match.key}, and {len(again)} names do not tell"
        place, name = place_of(found[again[0]], kind.unit), match.named.names[again[0]]
        said += f" which is theirs; the last one was taken, as {place} for {name!r}"
        findings.append(Finding("log-restarted", said, path, strict=True))
    total = len(match.named.names)
    rows = Rows(map(found.get, range(total)), at.numbers if len(found) == total else {})
    confirmed = shown(match.named, found, at.agreeing)
    if match.key == "epoch" and not confirmed:
        findings += multiples(match.named, found, path)
    why, said_of = chosen.why, tuple(findings)
    # One name may print like another metric by chance.
    several = len(at.agreeing) > 1
    meanings = {n: column for n, (column, *others) in at.meanings.items() if several and not others}
    return Joined(
        rows,
        match.key,
        chosen.offset,
        why,
        said_of,
        confirmed,
        _shift(match),
        meanings,
        otherwise,
        _span(match, chosen.offset),
    )


def _count(row: LogRow, key: Key) -> int | None:
    at = row[LogRow._fields.index(key)]
    return at if isinstance(at, int) else None


def _span(match: Match, offset: int) -> tuple[int, int] | None:
    """From which epoch or step to which a log goes, as the names count."""
    counted = [at for at in (match.first, match.last, *match.rows) if isinstance(at, int)]
    return (min(counted) + offset, max(counted) + offset) if counted else None


def _otherwise(match: Match) -> tuple[Match, dict[int, At], Mapping[str, str]] | None:
    """Where no count fits: the names read otherwise, or the log counted otherwise, if that fits.

    Names have `loss` and `acc` of validation, too; and they may count from 0, and the log from 1.

    Returns:
        What to join by, the rows at each count, and the labels that mean another column.
    """
    if not match.named.printed:
        return None
    labels = as_validation(match.named, match.rows)
    read = match.reading(labels) if labels else None
    offsets = (*OFFSETS, LESS) if match.first and 0 not in match.rows else OFFSETS
    for each, otherwise in ((read, labels), (match, {})):
        if each is None:
            continue
        tried = {offset: held_at(each, offset) for offset in offsets}
        if by_values(each, tried) is not None:
            return each, tried, otherwise
    return None


def _nothing(match: Match, *findings: Finding) -> Joined:
    return Joined([None] * len(match.named.names), match.key, findings=findings)


def _by_file(match: Match, kind: LogKind, path: str) -> Joined:
    """The last row of each file, unless it says that the file is gone, or other values."""
    rows: list[LogRow | None] = [None] * len(match.named.names)
    findings = []
    last = match.last_rows
    for index, place in match.places.items():
        row, name = last.get(place), match.named.names[index]
        if row is None:
            continue
        unlabelled = match.agreement.unlabelled(index)
        if row.is_gone:
            said = f"{place_of(row, kind.unit)} says that {name!r} was removed, and it is there:"
            said += " the log is not about this file, and was not used for it"
            findings.append(Finding("log-other-file", said, path, strict=True))
        elif match.agreement.of(index, row) is False or (
            # A table of the user's own need not have every metric.
            not kind.is_told
            and unlabelled
            and not match.agreement.candidates(index, unlabelled, (row,))
        ):
            said = contradiction(match.named, index, row, kind.unit)
            said += ": the log was not used for it"
            findings.append(Finding("log-disagrees", said, path, strict=True))
        else:
            rows[index] = row
    # Of other logs, each row is about a save, and the last one about what is there.
    if kind.is_told:
        several = [at for _, at, row in match.again if row.values != match.rows[at].values]
        if several:
            said = f"the log has several rows of {several[0]!r}, which are not alike; the last one"
            said += " was taken"
            findings.append(Finding("log-restarted", said, path, strict=True))
    why = "the log names the files"
    return Joined(rows, match.key, 0, why, tuple(findings), is_confirmed=True)


def _disagreement(match: Match, kind: LogKind, path: str) -> Finding:
    """What the log says otherwise than a name, with an example at the likeliest offset."""
    tried = [(offset, held_at(match, offset, whole=True)) for offset in OFFSETS]
    _, at = min(
        ((offset, at) for offset, at in tried if at.against),
        key=lambda each: (len(each[1].against), each[0] != match.known),
    )
    index, row = next(iter(at.against.items()))
    said = f"{contradiction(match.named, index, row, kind.unit)}: nothing was taken from the log,"
    more = "less" if _shift(match) else "more"
    said += f" whether names count {match.key}s as it does or one {more}"
    ways_out = (as_negative(match.named, each.against) for _, each in tried if not each.found)
    if way_out := next(filter(None, ways_out), ""):
        said += f"; all names agree with it if the dash before the value is a minus: {way_out}"
    return Finding("log-disagrees", said, path, strict=True)


def _shift(match: Match) -> int:
    """What the log's reader took from the counts that stand there."""
    return next(iter(match.rows.values())).shift


def _more(key: Key, offset: int) -> str:
    if offset == 0:
        return f"{key}s as"
    return f"one {key} {'less' if offset < 0 else 'more'} than"
