"""What names count beyond the log: shown by values, else by what neither can lack. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.sources.joining.agreement import Agreement
from ckptsel.sources.joining.rows_at import LESS, OFFSETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from ckptsel.sources.joining.agreement import Names
    from ckptsel.sources.joining.matching import Match
    from ckptsel.sources.joining.rows_at import At
    from ckptsel.sources.log import LogKind, LogRow


_OWN_LOOP = "a loop of one's own counts alike in both"
_POSSIBLE = ("complete", "short")
_FEWEST_OF_A_PACE = 3


class Base(NamedTuple):
    """An offset, and how it is known.

    Attributes:
        offset: what names count beyond the log.
        why: how it is known, in words.
        is_assumed: whether it might be otherwise, which is said then.
        is_usual: whether it is what the framework does, and nothing speaks against it.
    """

    offset: int
    why: str
    is_assumed: bool = False
    is_usual: bool = False


def by_values(match: Match, tried: Mapping[int, At], *, is_doubtful: bool = False) -> Base | None:
    """The offset at which values agree, and none contradicts; None if there is not one.

    One value may agree by chance. It is too little against a habit that nothing contradicts, for a
    count that only values show, and for a log that is doubtful, perhaps another run's.
    """
    fitting = [offset for offset, at in tried.items() if at.fits]
    if len(fitting) != 1:
        return None
    (offset,) = fitting
    at = tried[offset]
    agreeing = len(at.agreeing)
    is_habit = match.known in (None, offset)
    is_against_habit = not is_habit and not (offset in OFFSETS and tried[1 - offset].against)
    if agreeing == 1 and (is_against_habit or offset == LESS):
        return None
    if is_doubtful and not tells_apart(match.named, at.agreeing):
        return None
    return Base(offset, f"the values in {agreeing} names agree with the log")


def tells_apart(named: Names, agreeing: AbstractSet[int]) -> bool:
    """Whether what agrees is more than one rounded value, which two trainings may share."""
    values = {
        (printed.label, value)
        for printed in named.printed
        for index in agreeing
        if (value := printed.values[index]) is not None
    }
    is_exact = any(
        printed.values[index] is not None and not printed.half_units[index]
        for printed in named.printed
        for index in agreeing
    )
    return is_exact or len(values) > 1


def without_values(
    match: Match, kind: LogKind, tried: Mapping[int, At], *, is_growing: bool
) -> Base | None:
    """The offset where values do not decide; None if nothing speaks for one.

    That all names have a row at one offset, and not at the other, proves little: it is so
    whenever the log lags behind by a row. It confirms what is the framework's habit anyway.
    """
    base = _without_values(match, kind, tried, is_growing=is_growing)
    row = next(iter(match.rows.values()))
    if base is None or not kind.by_position or "epoch" in map(str.lower, row.names):
        return base
    counted = {place for place in match.places.values() if isinstance(place, int)}
    if _are_all(match, counted, base.offset):
        return base
    # A second training that went on has a history of its own, or goes on with that of the first.
    return Base(
        base.offset, f"{base.why}, if it is of one training from its begin", is_assumed=True
    )


def _without_values(
    match: Match, kind: LogKind, tried: Mapping[int, At], *, is_growing: bool
) -> Base | None:
    if match.key in kind.only_by_values:
        return None
    known, habit = match.known, kind.habit
    if kind.is_told and known is not None and not tried[known].against:
        stands = match.standing(known, tried[known].found)
        other = match.standing(1 - known, tried[1 - known].found)
        is_odd = stands not in _POSSIBLE or "complete" == other != stands
        return Base(known, habit, is_odd)
    standing = {offset: match.standing(offset, tried[offset].found) for offset in OFFSETS}
    possible = [o for o in OFFSETS if standing[o] in _POSSIBLE and not tried[o].against]
    only = "only so has each name a row of the log"
    counted = {place for place in match.places.values() if isinstance(place, int)}
    if known == 1 and 0 in counted:
        # Either names count as the log does, or this one is of before the training. Where each
        # epoch has its checkpoint, the others tell.
        if standing[0] != "complete" or tried[0].against:
            return None
        why = f"one of them counts {match.key} 0"
        return Base(0, why, is_assumed=len(counted) <= max(counted))
    if any(tried[offset].against for offset in OFFSETS):
        # The values that contradict the one do not speak for the other.
        if known is None or possible != [known]:
            return None
        return Base(known, "values contradict the other count", is_assumed=True)
    if len(possible) == 1:
        (offset,) = possible
        is_short = standing[offset] == "short" and offset != known
        # A row may be lost, which does not speak against a count that fits others of the names.
        is_lost = len(match.places) == 1 or bool(tried[1 - offset].found)
        is_gap = standing[1 - offset] == "holed" and offset != known and is_lost
        why = "more names have a row so" if is_short else only
        return _unless_from_0(match, Base(offset, why, is_short or is_gap))
    complete = [offset for offset in possible if standing[offset] == "complete"]
    if known is None:
        if match.first == 1 and 0 in complete:
            # With one more, names would begin with 2; with one less, with 0, and the last one would
            # have the log's last row.
            is_last = max(counted) + 1 == match.last
            return _unless_from_0(match, Base(0, "the log begins with 1", is_assumed=is_last))
        if len(complete) == 1:
            # Who names a table knows that it is about these, and that it is whole. And names of all
            # epochs from the first to the log's last one leave no other count.
            is_sure = kind.is_told or _are_all(match, counted, complete[0])
            return Base(complete[0], only, is_assumed=not is_sure)
        return Base(0, _OWN_LOOP, is_assumed=True) if complete else None
    if not possible and min(counted) < known:
        return None
    if kind.begins is not None and match.first == 1 - kind.begins and 0 in complete:
        # The framework's log begins so only where a training went on; that of one's own loop may.
        return Base(0, only if complete == [0] else _OWN_LOOP, is_assumed=True)
    if complete == [known]:
        if not is_growing:
            return Base(known, only)
        return Base(known, f"{only}, which is still being written", is_assumed=True)
    usual = Base(known, habit, is_assumed=True, is_usual=known in complete)
    return _unless_from_0(match, usual)


def _are_all(match: Match, counted: AbstractSet[int], offset: int) -> bool:
    """Whether names count each row of a log that begins with 0, to its last."""
    if match.first != 0 or match.last is None:
        return False
    return counted == {*range(offset, match.last + offset + 1)}


def counting_less(match: Match, at: At) -> Base | None:
    """That names count from 0 and the log from 1, where each of them has its row only so."""
    is_so = match.first == 1 and not at.against and len(at.found) == len(match.places)
    return Base(LESS, "only so has each name a row of the log", is_assumed=True) if is_so else None


def _unless_from_0(match: Match, base: Base) -> Base:
    """The same, assumed where names look like those of a loop that counts one less than so.

    Who saves at every third epoch and counts from 1 has names of 3, 6, 9; 2, 5, 8 count from 0.
    """
    counted = sorted({place for place in match.places.values() if isinstance(place, int)})
    paces = {after - before for before, after in pairwise(counted)}
    fewest = _FEWEST_OF_A_PACE if match.known is not None else 2
    if len(counted) < fewest or len(paces) != 1:
        return base
    (pace,) = paces
    has_rows = all(place - base.offset + 1 in match.rows for place in counted)
    if pace == 1 or (counted[0] + 1) % pace or not has_rows:
        return base
    why = f"{base.why}; but names of every {pace} {match.key}s that begin with {counted[0]} may"
    return Base(base.offset, f"{why} count from 0", is_assumed=True)


def within_epochs(
    named: Names, found: Mapping[int, LogRow], agreeing: AbstractSet[int]
) -> list[int]:
    """The checkpoints that were saved within an epoch, where no value agrees with its end.

    A name says so if it counts batches; if it counts steps that are not those of the row, or, in
    a log without steps, not the same number for each epoch; or if others of its form share the
    epoch and differ in another number.
    """
    if not any(named.within):
        return []
    told = [index for index in found if named.within[index]]
    in_step = bool(_steps_for_each(named, found))
    at_end = {index for index in told if named.within[index] in ("step", "paced")}
    at_end = {
        index
        for index in at_end
        if (named.within[index] == "paced" if found[index].at_step is None else in_step)
    }
    return [index for index in told if index not in agreeing and index not in at_end]


def multiples(named: Names, found: Mapping[int, LogRow], path: str) -> Iterator[Finding]:
    """Say that names count several steps for each of their rows', if they do.

    So they do with several optimizers; and so it looks where the log is another training's, with
    larger batches, or gradients that are accumulated. Who logs a `step` of their own mostly has the
    epoch there.
    """
    each = _steps_for_each(named, found)
    if each > 1 and any(row.at_step != row.epoch for row in found.values()):
        said = f"names count {each} steps for each of the log's: of {each} optimizers, or of"
        said += " another training than the log's, with other batches"
        yield Finding("log-steps-differ", said, path, strict=True)


def _steps_for_each(named: Names, found: Mapping[int, LogRow]) -> int:
    """How many steps names count for each of their rows': of each optimizer one, say.

    0 if it is not one number, or if names or rows tell no steps.
    """
    told = (index for index in found if any(named.within) and named.within[index])
    pairs = ((named.steps[index], found[index].at_step) for index in told)
    ratios = [
        {step // n for n in (row_step, row_step + 1) if n and step % n == 0}
        for step, row_step in pairs
        if step is not None and row_step is not None
    ]
    return min(set.intersection(*ratios) - {0}, default=0) if ratios else 0


def shown(named: Names, found: Mapping[int, LogRow], agreeing: AbstractSet[int]) -> bool:
    """Whether a metric in a name agrees with its row, and not only the epoch that both tell."""
    metrics = [each for each in named.printed if each.label != "epoch"]
    if len(metrics) == len(named.printed):
        return bool(agreeing)
    agreement = Agreement(named._replace(printed=metrics))
    return any(agreement.of(index, found[index]) for index in agreeing if index in found)
