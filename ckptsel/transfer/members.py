"""Which checkpoints are averaged: the best, the last, or those that are named."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Checkpoint, Finding, Ranked
from ckptsel.errors import DamagedError, NothingFoundError, UsageError
from ckptsel.formats import format_of
from ckptsel.selection import select
from ckptsel.transfer.latest import latest_first, turn
from ckptsel.transfer.same import counted_once
from ckptsel.verification.soundness import sound
from ckptsel.verification.verify import verify as look_into

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckptsel.checkpoint import Ranking
    from ckptsel.selection import Query
    from ckptsel.verification.verify import Verdict

    OnBytes = Callable[[int], None] | None


@dataclass(frozen=True, slots=True)
class Members:
    """What is averaged.

    Attributes:
        rows: the checkpoints; the first gives what is not averaged.
        ranking: where they stood; None where nothing was ranked.
        findings: what was noticed.
        rejected: what was passed over because it is damaged.
        verdicts: path → verdict, of each that was verified.
    """

    rows: tuple[Ranked, ...]
    ranking: Ranking | None = None
    findings: tuple[Finding, ...] = ()
    rejected: tuple[Ranked, ...] = ()
    verdicts: dict[str, Verdict] | None = None


def best(
    query: Query, top: int | None, *, verify: bool = False, on_bytes: OnBytes = None
) -> Members:
    """The best checkpoints, best first; of those that are the same, one.

    Args:
        query: what is asked for.
        top: how many; None for all that are ranked.
        verify: pass over those that are damaged.
        on_bytes: is told how many more bytes have been read.

    Raises:
        CkptselError: as `select` and `sound` do.
        NothingFoundError: if there are fewer than two.
        UsageError: if `top` is less than 2.
    """
    _check_number("--top", top)
    number = top
    while True:
        keep = None if number is None else number + 1
        ranking = select(query, keep=keep)
        findings = ranking.findings
        rejected: tuple[Ranked, ...] = ()
        verdicts = None
        if verify:
            found = sound(query, ranking, number, keep=keep, on_bytes=on_bytes)
            ranking, rejected, verdicts = found.ranking, found.rejected, dict(found.verdicts)
            rows: Sequence[Ranked] = found.rows
            findings = ranking.findings
        else:
            rows = [row for row in ranking.rows if row.rank is not None][:number]
        distinct, same = counted_once(rows)
        if number is None or top is None or len(distinct) >= top or len(rows) < number:
            break
        # Places that were taken twice go to those behind.
        number += top - len(distinct)
    found_findings = (*findings, *same, *_fewer(len(distinct), top), *_runs(distinct))
    return _at_least_two(Members(tuple(distinct), ranking, found_findings, rejected, verdicts))


def last(query: Query, number: int, *, verify: bool = False, on_bytes: OnBytes = None) -> Members:
    """The last checkpoints of a training by its log, else by epoch or step; the latest first.

    Args:
        query: what is asked for; its monitor does not matter.
        number: how many.
        verify: pass over those that are damaged.
        on_bytes: is told how many more bytes have been read.

    Raises:
        CkptselError: as `select` does.
        DamagedError: under `query.strict`, if one that had to be opened is damaged.
        NothingFoundError: if fewer than two tell when they were written.
        UsageError: if `number` is less than 2, or the checkpoints are of several trainings.
    """
    _check_number("--last", number)
    ranking = select(_unranked(query), rank=False)
    timed = [row for row in ranking.rows if row.checkpoint.epoch is not None]
    what = "epoch"
    if not timed:
        timed = [row for row in ranking.rows if row.checkpoint.step is not None]
        what = "step"
    if len({row.checkpoint.run for row in timed}) > 1:
        raise UsageError(
            "--last: the checkpoints are of several trainings, whose epochs say nothing of each"
            " other",
            hint="give the folder of one of them",
        )
    findings = list(ranking.findings)
    if without := len(ranking.rows) - len(timed):
        message = f"{without} of {len(ranking.rows)} checkpoints tell no {what}: they are left out"
        findings.append(Finding("no-counter", message, strict=True))
    latest = latest_first(timed, number)
    findings += latest.findings
    rows: list[Ranked] = []
    same: list[Finding] = []
    rejected = []
    verdicts = {}
    behind = None
    for row in latest.rows:
        if len(rows) == number:
            behind = row
            break
        if verify:
            path = row.checkpoint.path
            verdicts[path] = verdict = look_into(path, on_bytes=on_bytes)
            if not verdict.is_sound:
                if query.strict:
                    raise DamagedError(f"under --strict: {verdict.findings[0].said}")
                rejected.append(row)
                continue
        rows, more = counted_once([*rows, row])
        same += more
    if behind is not None and not latest.is_logged and turn(behind) == turn(rows[-1]):
        message = f"is of the same {what} as {rows[-1].checkpoint.path!r}, and is left out"
        findings.append(Finding("tie", message, behind.checkpoint.path, strict=True))
    return _at_least_two(
        Members(
            tuple(rows),
            None,
            (*findings, *same, *_fewer(len(rows), number)),
            tuple(rejected),
            verdicts if verify else None,
        )
    )


def named(query: Query, *, verify: bool = False, on_bytes: OnBytes = None) -> Members:
    """The checkpoints that are named themselves, in their order.

    Args:
        query: what is asked for; its monitor does not matter.
        verify: look into each of them; none takes the place of a damaged one.
        on_bytes: is told how many more bytes have been read.

    Raises:
        CkptselError: as `select` does.
        DamagedError: if one was verified and is damaged.
        NothingFoundError: if there are fewer than two.
        UsageError: if a location is a folder of checkpoints.
    """
    paths = query.files if query.files is not None else query.locations
    distinct, same = counted_once([Ranked(None, _checkpoint(query, path)) for path in paths])
    verdicts = None
    if verify:
        verdicts = {}
        for row in distinct:
            path = row.checkpoint.path
            verdicts[path] = verdict = look_into(path, on_bytes=on_bytes)
            if not verdict.is_sound:
                raise DamagedError(f"{path!r} is damaged: {verdict.findings[0].message}")
    return _at_least_two(Members(tuple(distinct), None, (*same, *_runs(distinct)), (), verdicts))


def _unranked(query: Query) -> Query:
    """The same without what says which one is best."""
    return replace(
        query, monitor=None, mode="auto", per_run=False, further=(), pareto=False, smooth=None
    )


def _checkpoint(query: Query, path: str) -> Checkpoint:
    path = path.rstrip("/" + os.sep) or path
    is_one = format_of(path) is not None
    try:
        plain = replace(_unranked(query), locations=(path,), files=None)
        rows = select(plain, rank=False).rows
    except NothingFoundError:
        rows = ()
    if len(rows) == 1 and (is_one or not os.path.isdir(path)):
        return rows[0].checkpoint
    if is_one:
        return Checkpoint(path, (path,), "", os.path.dirname(path))
    raise UsageError(
        f"{path!r} is no checkpoint, and it is not said which in it are averaged",
        hint="give --top K for the K best, --last K for the last, or name the files",
    )


def _check_number(option: str, number: int | None) -> None:
    if number is not None and number < 2:
        raise UsageError(f"{option} {number}: a mean is of two or more", hint="`copy` takes one")


def _fewer(found: int, wanted: int | None) -> list[Finding]:
    if wanted is None or found >= wanted:
        return []
    return [
        Finding("fewer-than-top", f"{found} instead of {wanted} checkpoints: there are no more")
    ]


def _runs(rows: Sequence[Ranked]) -> list[Finding]:
    runs = list(dict.fromkeys(row.checkpoint.run for row in rows))
    if len(runs) < 2:
        return []
    message = (
        f"the members are of {len(runs)} trainings: their mean makes sense only if all of these"
        " began from the same weights"
    )
    return [Finding("several-runs", message, runs[0], strict=True)]


def _at_least_two(members: Members) -> Members:
    if len(members.rows) > 1:
        return members
    one = f": only {members.rows[0].checkpoint.path!r}" if members.rows else ""
    raise NothingFoundError(
        f"there are no two different checkpoints to average{one}",
        details=tuple(finding.said for finding in members.findings[:5]),
        hint="`ckptsel list` shows what is there",
    )
