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
            joined = _decided(match, kind, path, is_doubtful=is_doubtful)
            # Steps that count something else do not speak against the epochs.
            if joined.matched:
                return joined
            first = first or joined
    return first or Joined([None] * len(named.names), "file")


def _decided(match: Match, kind: LogKind, path: str, *, is_doubtful: bool) -> Joined:
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
        complete = [o for o in fitting or OFFSETS if len(tried[o].found) == len(match.places)]
        by_values = match.key in kind.only_by_values
        if len(complete) == 1 and not by_values:
            offset, why = complete[0], "only so has each name a row of the log"
        elif match.known is None or by_values:
            said = f"whether its {match.key}s count as the names do cannot be told: not used"
            findings.append(Finding("log-base-assumed", said, path, strict=True))
            return Joined(nothing, match.key, findings=tuple(findings))
        else:
            offset, why = match.known, kind.habit
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


def _within_epochs(match: Match, at: At) -> list[int]:
    """The checkpoints that share an epoch with others of other steps, and no value agrees."""
    steps: dict[int | str, set[int]] = {}
    if match.named.steps.count(None) == len(match.named.steps):
        return []
    for index, place in match.places.items():
        if (step := match.named.steps[index]) is not None and step != place:
            steps.setdefault(place, set()).add(step)
    several = {place for place, found in steps.items() if len(found) > 1}
    return [i for i in at.found if match.places[i] in several and i not in at.agreeing]


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
