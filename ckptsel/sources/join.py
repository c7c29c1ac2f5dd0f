"""Which row of a log belongs to which checkpoint. Pure: no file is touched.

By the file's name where the log names files; else by epoch or step, whose base is not assumed:
it is the one at which the names' printed values agree with the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.sources.agreement import contradiction
from ckptsel.sources.log import Key, LogKind, LogRow
from ckptsel.sources.matching import OFFSETS
from ckptsel.sources.matching import match as match_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckptsel.sources.agreement import Names
    from ckptsel.sources.matching import At, Match


class Joined(NamedTuple):
    """Which rows were joined, and how it was known.

    Attributes:
        rows: for each checkpoint its row, or None.
        key: by what they were joined.
        offset: what names count beyond the log.
        why: how that is known, in words.
        findings: what was noticed.
    """

    rows: Sequence[LogRow | None]
    key: Key
    offset: int = 0
    why: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def matched(self) -> int:
        """How many checkpoints have a row."""
        return len(self.rows) - self.rows.count(None)


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
    for row in rows:
        for position, places, kept, keep in wanted:
            if (at := row[position]) in places:
                if at in kept:
                    keep(at, row)
                else:
                    kept[at] = row
    first: Joined | None = None
    for match in matches:
        if match.rows:
            growing = any(finding.code == "log-half-line" for finding in noticed)
            joined = _decided(match, kind, path, is_doubtful=is_doubtful, is_growing=growing)
            # Steps that count something else do not speak against the epochs.
            if joined.matched:
                return joined
            first = first or joined
    return first or Joined([None] * len(named.names), "file")


def _decided(
    match: Match, kind: LogKind, path: str, *, is_doubtful: bool, is_growing: bool
) -> Joined:
    """The rows at the offset that the names and the log agree on."""
    if match.key == "file":
        return _by_file(match, path)
    nothing: list[LogRow | None] = [None] * len(match.named.names)
    tried = {offset: match.at(offset) for offset in OFFSETS}
    fitting = [offset for offset in OFFSETS if tried[offset].fits]
    findings: list[Finding] = []
    if len(fitting) == 1:
        offset = fitting[0]
        why = f"the values in {len(tried[offset].agreeing)} names agree with the log"
    elif not fitting and any(at.against for at in tried.values()):
        return Joined(nothing, match.key, findings=(_disagreement(match, path),))
    elif is_doubtful:
        said = "in a folder of its own, and no value shows that it is this run's: not used"
        return Joined(nothing, match.key, findings=(Finding("log-elsewhere", said, path),))
    else:
        chosen = _without_values(match, kind, tried, is_growing=is_growing)
        if chosen is None:
            said = f"whether its {match.key}s count as the names do cannot be told: not used"
            findings.append(Finding("log-base-assumed", said, path, strict=True))
            return Joined(nothing, match.key, findings=tuple(findings))
        offset, why, is_assumed = chosen
        if is_assumed:
            said = f"that names count {_more(match.key, offset)} the log is assumed: {why}"
            findings.append(Finding("log-base-assumed", said, path, strict=True))
    at = tried[offset]
    if match.key == "epoch" and (within := _within_epochs(match, at)):
        name = match.named.names[within[0]]
        said = f"{len(within)} names, as {name!r}, tell a step within an epoch, of which the log"
        said += " only knows the end: it was not used for them"
        findings.append(Finding("log-too-coarse", said, path, strict=True))
        for index in within:
            del at.found[index]
    again = [index for index in at.again if index in at.found]
    if again:
        index = again[0]
        said = (
            f"the log has several rows of one {match.key}, and {len(again)} names do not tell"
            f" which is theirs; the last one was taken, as line {at.found[index].place} for"
            f" {match.named.names[index]!r}"
        )
        findings.append(Finding("log-restarted", said, path, strict=True))
    rows = [at.found.get(index) for index in range(len(match.named.names))]
    return Joined(rows, match.key, offset, why, tuple(findings))


def _without_values(
    match: Match, kind: LogKind, tried: Mapping[int, At], *, is_growing: bool
) -> tuple[int, str, bool] | None:
    """The offset where values do not decide.

    Returns:
        It, why, and whether that is an assumption; None if nothing speaks for any.
    """
    if match.key in kind.only_by_values:
        return None
    fitting = [offset for offset in OFFSETS if tried[offset].fits] or OFFSETS
    complete = [o for o in fitting if len(tried[o].found) == len(match.places)]
    counted = {place for place in match.places.values() if isinstance(place, int)}
    if 0 in counted and not any(tried[offset].agreeing for offset in OFFSETS):
        # No row stands before the first: names count as the log does, or this one is of before
        # training. Where each epoch has its checkpoint, the others tell.
        if complete != [0]:
            return None
        why = f"one of them counts {match.key} 0"
        return 0, why, len(counted) <= max(counted)
    if len(complete) == 1:
        why = "only so has each name a row of the log"
        if is_growing:
            why += ", which is still being written"
        return complete[0], why, is_growing
    return None if match.known is None else (match.known, kind.habit, True)


def _within_epochs(match: Match, at: At) -> list[int]:
    """The checkpoints that were saved within an epoch, where no value agrees with its end.

    A name says so if it counts batches, or shares the epoch with others of other steps.
    """
    within, in_batches = match.named.within, match.named.in_batches
    if within.count(None) == len(within):
        return []
    steps: dict[int | str, set[int]] = {}
    for index, place in match.places.items():
        if (step := within[index]) is not None:
            steps.setdefault(place, set()).add(step)
    several = {place for place, found in steps.items() if len(found) > 1}
    return [
        i
        for i in at.found
        if (in_batches[i] or match.places[i] in several) and i not in at.agreeing
    ]


def _by_file(match: Match, path: str) -> Joined:
    """The last row of each file, unless it says that the file is gone, or other values."""
    rows: list[LogRow | None] = [None] * len(match.named.names)
    findings = []
    for index, place in match.places.items():
        if place not in match.rows:
            continue
        row = match.rows[place]
        if row.is_gone:
            name = match.named.names[index]
            said = f"line {row.place} says that {name!r} was removed, and it is there: the"
            said += " log is not about this file, and was not used for it"
            findings.append(Finding("log-other-file", said, path, strict=True))
        elif match.agreement.of(index, row) is False:
            said = f"{contradiction(match.named, index, row)}: the log was not used for it"
            findings.append(Finding("log-disagrees", said, path, strict=True))
        else:
            rows[index] = row
    return Joined(rows, match.key, 0, "the log names the files", tuple(findings))


def _disagreement(match: Match, path: str) -> Finding:
    """What the log says otherwise than a name, with an example at the likeliest offset."""
    tried = [(offset, match.at(offset, whole=True)) for offset in OFFSETS]
    _, at = min(
        ((offset, at) for offset, at in tried if at.against),
        key=lambda each: (len(each[1].against), each[0] != match.known),
    )
    index, row = next(iter(at.against.items()))
    said = f"{contradiction(match.named, index, row)}: nothing was taken from the log, whether"
    said += f" names count {match.key}s as it does or one more"
    return Finding("log-disagrees", said, path, strict=True)


def _more(key: Key, offset: int) -> str:
    return f"{key}s as" if offset == 0 else f"one {key} more than"
