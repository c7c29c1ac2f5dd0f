"""The rows at one count, held against the names. Pure: no file is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.sources.joining.appended import at_of_several, settle
from ckptsel.sources.joining.rows_at import At

if TYPE_CHECKING:
    from ckptsel.sources.joining.agreement import Candidate
    from ckptsel.sources.joining.matching import Match


def held_at(match: Match, offset: int, *, whole: bool = False) -> At:
    """Hold the rows at one offset against the names.

    Args:
        match: the rows and the names.
        offset: what names count beyond the log.
        whole: whether to go on when it is known that this offset does not fit.
    """
    if match.again:
        return at_of_several(match, offset)
    at = At({}, set(), {}, [], {})
    unlabelled = not all(each.label for each in match.named.printed)
    rows_of = match.rows.get
    # Mostly the first name shows already that this is not the offset.
    index, place = next(iter(match.places.items()))
    row = rows_of(place - offset)  # type: ignore[operator]
    if row is not None and not whole and match.agreement.of(index, row) is False:
        return At({}, set(), {index: row}, [], {})
    rows = {
        index: row
        for index, place in match.places.items()
        if (row := rows_of(place - offset)) is not None  # type: ignore[operator]
    }
    if not unlabelled and (numbers := match.agreement.of_all(rows)):
        return At(rows, {*rows}, {}, [], {}, numbers)
    candidates: dict[int, list[Candidate]] = {}
    for index, row in rows.items():
        agrees = match.agreement.of(index, row)
        if agrees is False:
            at.against[index] = row
            if not whole:
                return at
            continue
        at.found[index] = row
        if agrees:
            at.agreeing.add(index)
        if unlabelled and (own := match.agreement.unlabelled(index)):
            candidates[index] = match.agreement.candidates(index, own, (row,))
    settle(at, candidates)
    return at
