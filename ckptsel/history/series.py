"""Which checkpoints of a run are of one course of values: not those of two models in a folder.

Names tell it, as they tell whether one log can be about all of them (`search/logs/families.py`).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from ckptsel.history.points import moment_of, point_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

    from ckptsel.checkpoint import Ranked
    from ckptsel.history.points import Moment, Unit
    from ckptsel.search.logs.families import Words


def trainings(rows: Sequence[Ranked], words: Mapping[str, Words]) -> list[list[Ranked]]:
    """The checkpoints of a run, those of different models apart.

    One after the other, they may be the parts of one training; so they are apart only where one
    was saved while another was trained.

    Args:
        rows: the checkpoints.
        words: what their names say, by path. Of some it may not be known.
    """
    unit = unit_of(row.checkpoint for row in rows)

    def overlap(parts: Collection[Sequence[Ranked]]) -> bool:
        spans = []
        for part in parts:
            moments = [m for row in part if (m := moment_of(row.checkpoint, unit)) is not None]
            if moments:
                spans.append((min(moments), max(moments)))
        return any(other[0] <= one[1] for one, other in pairwise(sorted(spans)))

    return _apart(rows, lambda path: path in words and words[path].model, overlap)


def courses(rows: Sequence[Ranked], words: Mapping[str, Words], unit: Unit) -> list[list[Ranked]]:
    """The checkpoints of one training, those apart of which the values are not of one course.

    The weights, the optimizer and the best file of an epoch have one value, which counts once.
    Where they have several, as those of an average and of what is trained, each is on its own.

    Args:
        rows: the checkpoints.
        words: what their names say, by path. Of some it may not be known.
        unit: what they are counted in.
    """

    def differ(parts: Collection[Sequence[Ranked]]) -> bool:
        values: dict[Moment, set[str]] = {}
        for part in parts:
            # What one kind says twice of a moment is no sign that kinds differ.
            for moment, said in _values(part, unit).items():
                values.setdefault(moment, said)
                if values[moment].isdisjoint(said):
                    return True
        return False

    return _apart(rows, lambda path: path in words and words[path].whole, differ)


def contested(rows: Sequence[Ranked], unit: Unit) -> Ranked | None:
    """A checkpoint of a moment that has several values, as where two trainings share a folder."""
    many = {moment for moment, said in _values(rows, unit).items() if len(said) > 1}
    return next((row for row in rows if moment_of(row.checkpoint, unit) in many), None)


def _values(rows: Sequence[Ranked], unit: Unit) -> dict[Moment, set[str]]:
    """The finite values of each moment."""
    found: dict[Moment, set[str]] = {}
    for row in rows:
        moment, point = moment_of(row.checkpoint, unit), point_of(row, unit)
        if moment is not None and point is not None and math.isfinite(point.value):
            found.setdefault(moment, set()).add(repr(point.value))
    return found


def _apart(
    rows: Sequence[Ranked],
    kind: Callable[[str], Hashable],
    are_apart: Callable[[Collection[Sequence[Ranked]]], bool],
) -> list[list[Ranked]]:
    parts: dict[Hashable, list[Ranked]] = {}
    for row in rows:
        parts.setdefault(kind(row.checkpoint.path), []).append(row)
    return [*parts.values()] if len(parts) > 1 and are_apart(parts.values()) else [[*rows]]
