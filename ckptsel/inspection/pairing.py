"""Which layer of one file stands for which of another, where Keras has no rule. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.inspection.layer_names import Names, class_stems, given

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

By: TypeAlias = Literal["layer", "order"]
_DIGITS = 18  # More are cut off: Python refuses to read numbers of thousands of digits.
_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Group:
    """The weights of one layer.

    Attributes:
        path: where they stand in the file.
        names: of the layer and of those that it stands in, as far as the file tells.
        signature: of which shapes they are; layers of one signature can stand for each other.
    """

    path: str
    names: Names
    signature: Hashable


@dataclass(frozen=True, slots=True)
class Pairing:
    """What belongs together.

    Attributes:
        pairs: the number of a layer of A, that of the layer of B, and what says so: their
            names, or the order of those with the same shapes.
        alike: the layers of A that were paired by order alone, and that have others alike.
        unsure: the layers of A that may well have a counterpart, but nothing tells which.
    """

    pairs: tuple[tuple[int, int, By], ...]
    alike: frozenset[int] = frozenset()
    unsure: frozenset[int] = frozenset()


class _Open:
    """The layers that are not paired yet."""

    def __init__(self, a: Sequence[Group], b: Sequence[Group]) -> None:
        self.groups = (a, b)
        self.left = (dict.fromkeys(range(len(a))), dict.fromkeys(range(len(b))))
        self.pairs: list[tuple[int, int, By]] = []
        classes = class_stems(group.path for side in self.groups for group in side)
        self.given = tuple([given(group.names, classes) for group in side] for side in self.groups)

    def take(self, one: int, other: int, by: By) -> bool:
        """Pair two, if their shapes agree."""
        if self.groups[0][one].signature != self.groups[1][other].signature:
            return False
        del self.left[0][one]
        del self.left[1][other]
        self.pairs.append((one, other, by))
        return True

    def by(self, keys: tuple[list[Names], list[Names]]) -> dict[Names, tuple[list[int], list[int]]]:
        """The layers that are left, by a key that both sides have; no key is none."""
        found: dict[Names, tuple[list[int], list[int]]] = {}
        for side in (0, 1):
            for number in self.left[side]:
                if key := keys[side][number]:
                    found.setdefault(key, ([], []))[side].append(number)
        return {key: both for key, both in found.items() if both[0] and both[1]}


def pair(
    a: Sequence[Group], b: Sequence[Group], *, ordered: tuple[bool, bool] = (False, False)
) -> Pairing:
    """Pair the layers of two files by the names that were given to them, and else by order.

    Names that Keras made up are only believed if both files have the very same ones: they are
    counted up in a process, so that those of a second model begin later. Order is only believed
    where it is one: a list that is sorted by name tells nothing, unless its names are numbered.

    Args:
        a: the layers of A in its order.
        b: those of B.
        ordered: whether the order of A, and that of B, is known to be the model's.
    """
    todo = _Open(a, b)
    known = tuple(list(names) for names in todo.given)
    for one, other in _same(todo, (known[0], known[1])):
        todo.take(one, other, "layer")
    for one, other in _ending_alike(todo):
        todo.take(one, other, "layer")
    texts = tuple([group.names for group in side] for side in (a, b))
    if _are_the_same(todo, (texts[0], texts[1])):
        for both in todo.by((texts[0], texts[1])).values():
            if len(both[0]) == len(both[1]) == 1:
                todo.take(both[0][0], both[1][0], "layer")
    alike, unsure = _by_order(todo, ordered)
    return Pairing(tuple(sorted(todo.pairs)), frozenset(alike), frozenset(unsure))


def _same(todo: _Open, keys: tuple[list[Names], list[Names]]) -> Iterator[tuple[int, int]]:
    """Layers of one given name; within it, where there are several, those of one made-up name."""
    for one, other in todo.by(keys).values():
        if len(one) == len(other) == 1:
            yield one[0], other[0]
            continue
        a, b = (
            {todo.groups[s][n].names: n for n in numbers} for s, numbers in ((0, one), (1, other))
        )
        if set(a) == set(b) and len(a) == len(one) == len(other):
            yield from ((a[names], b[names]) for names in a)


def _ending_alike(todo: _Open) -> list[tuple[int, int]]:
    """Layers of which one file tells more outer names than the other, such as the model's."""
    found = []
    for one in todo.left[0]:
        found += [
            (one, other)
            for other in todo.left[1]
            if _ends(todo.given[0][one], todo.given[1][other])
        ]
    count_a, count_b = Counter(one for one, _ in found), Counter(other for _, other in found)
    return [(one, other) for one, other in found if count_a[one] == count_b[other] == 1]


def _ends(a: Names, b: Names) -> bool:
    shorter = min(len(a), len(b))
    return shorter > 0 and a != b and a[-shorter:] == b[-shorter:]


def _are_the_same(todo: _Open, texts: tuple[list[Names], list[Names]]) -> bool:
    a, b = (Counter(texts[side][number] for number in todo.left[side]) for side in (0, 1))
    return a == b


def _by_order(todo: _Open, ordered: tuple[bool, bool]) -> tuple[set[int], set[int]]:
    """Layers of the same shapes in their order; returns which are alike, and which unsure."""
    alike: set[int] = set()
    unsure: set[int] = set()
    # Whoever has a namesake of other shapes is not forced upon somebody else.
    in_both = set(todo.by((todo.given[0], todo.given[1])))
    found: dict[Hashable, tuple[list[int], list[int]]] = {}
    for side in (0, 1):
        for number in todo.left[side]:
            if todo.given[side][number] not in in_both:
                group = todo.groups[side][number]
                found.setdefault(group.signature, ([], []))[side].append(number)
    for one, other in found.values():
        if len(one) != len(other):
            continue  # which one is missing cannot be told
        rows = [_in_order(todo.groups[s], n, known=ordered[s]) for s, n in ((0, one), (1, other))]
        if len(one) > 1 and (rows[0] is None or rows[1] is None):
            unsure |= set(one)
            continue
        for x, y in zip(rows[0] or one, rows[1] or other, strict=True):
            todo.take(x, y, "order")
        alike |= set(one) if len(one) > 1 else set()
    return alike, unsure


def _in_order(groups: Sequence[Group], some: list[int], *, known: bool) -> list[int] | None:
    """Some layers of a file in the model's order; None if the file does not tell it."""
    if known:
        return some
    paths = [group.path for group in groups]
    by_number = sorted(some, key=lambda number: natural(paths[number]))
    if not any(paths == sorted(paths, key=key) for key in (str, natural, _parts)):
        return some
    without = {_NUMBER.sub("", re.sub(r"_\d+(?=/|$)", "", paths[number])) for number in some}
    return by_number if len(without) == 1 else None


def _parts(path: str) -> list[str]:
    return path.split("/")


def natural(path: str) -> list[list[tuple[int, str]]]:
    """Sorts by folder, then numbers by their value, so that `dense_2` precedes `dense_10`."""
    return [[_number(part) for part in _NUMBER.split(folder)] for folder in path.split("/")]


def _number(part: str) -> tuple[int, str]:
    return (int(part[:_DIGITS]), "") if part.isdecimal() else (-1, part)
