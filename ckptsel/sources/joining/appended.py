"""The rows at one count where a log has several of one epoch: runs, or validations. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.sources.joining.rows_at import At

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckptsel.sources.joining.agreement import Candidate
    from ckptsel.sources.joining.matching import Match
    from ckptsel.sources.log import LogRow


class _InPart(NamedTuple):
    """A row in a part of a log: a part ends where a run began again.

    Attributes:
        part: which, counted from 0.
        row: the row.
        agrees: whether it agrees with a name; None where they have no value in common.
    """

    part: int
    row: LogRow
    agrees: bool | None = None


def at_of_several(match: Match, offset: int) -> At:
    """As `held_at`, where runs were appended to one log: of several rows, the right run's.

    A part of the log that no name contradicts is more likely the files' than one that some
    names contradict, and of these the later one; each name by itself would take a row that
    agrees by chance.
    """
    at = At({}, set(), {}, [], {})
    parts = _parts(match)
    held: dict[int, list[_InPart]] = {}
    agreeing, against = Counter[int](), Counter[int]()
    for index, place in match.places.items():
        rows = parts.get(place - offset, ())  # type: ignore[operator]
        if not rows:
            continue
        held[index] = [one._replace(agrees=match.agreement.of(index, one.row)) for one in rows]
        said: dict[int, set[bool | None]] = {}
        for one in held[index]:
            said.setdefault(one.part, set()).add(one.agrees)
        agreeing.update(part for part, each in said.items() if True in each)
        against.update(part for part, each in said.items() if each == {False})
    candidates: dict[int, list[Candidate]] = {}
    for index, rows in held.items():
        likely = [one for one in rows if one.agrees] or [one for one in rows if one.agrees is None]
        if not likely:
            at.against[index] = rows[-1].row
            continue
        clean = [one for one in likely if not against[one.part]]
        chosen = (clean or likely)[-1]
        at.found[index] = chosen.row
        rivals = likely
        if chosen.agrees:
            at.agreeing.add(index)
            # Of several that no name contradicts each may be meant; and if it is not the last,
            # a later run may have written the file anew, under a name that prints the same.
            by_value = match.by_metrics is None or match.by_metrics.of(index, chosen.row)
            rivals = clean if clean and by_value and chosen is likely[-1] else likely
        elif any(agreeing[one.part] for one in clean):
            rivals = clean
        if any(one.row.values != chosen.row.values for one in rivals):
            at.again.append(index)
        if own := match.agreement.unlabelled(index):
            several = [one.row for one in rows]
            candidates[index] = match.agreement.candidates(index, own, several)
    fitting = settle(at, candidates)
    again = [index for index in at.again if index not in fitting]
    for index, fit in fitting.items():
        # Of several runs the last one counts; several rows of it may be several validations.
        part = {id(one.row): one.part for one in held[index]}
        alike = [row for row in fit if part[id(row)] == part[id(fit[-1])]]
        if any(row.values != fit[-1].values for row in alike):
            again.append(index)
    return at._replace(again=again)


def _parts(match: Match) -> dict[int | str, list[_InPart]]:
    """All rows by what they are looked up by, each with its part of the log."""
    found: dict[int | str, list[_InPart]] = {}
    part, before = 0, None
    for at, row in match.in_order():
        # Rows of one epoch that follow each other may be its several validations.
        if before is not None and at < before:  # type: ignore[operator]
            part += 1
        before = at
        found.setdefault(at, []).append(_InPart(part, row))
    return found


def settle(at: At, unlabelled: Mapping[int, Sequence[Candidate]]) -> dict[int, list[LogRow]]:
    """Keep of the rows of names without labels those in which the values mean the same.

    Returns:
        For each name that has such rows, all of them; the last one is taken.
    """
    meanings, kept = at.meanings, {}
    for candidates in unlabelled.values():
        for place in candidates[0].meanings if candidates else ():
            could_be = set[str]().union(*(each.meanings[place] for each in candidates))
            meanings[place] = meanings.get(place, could_be) & could_be
    for index, candidates in unlabelled.items():
        fitting = [
            each.row
            for each in candidates
            if all(each.meanings[place] & meanings[place] for place in each.meanings)
        ]
        if fitting:
            kept[index] = fitting
            at.found[index] = fitting[-1]
            at.agreeing.add(index)
        else:
            at.agreeing.discard(index)
            at.against[index] = at.found.pop(index)
    return kept
