"""Where weights stand, in a file or a model, and whether two such places are one. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.formats.keras.config import snake_case
from ckptsel.inspection.layer_names import Names, class_stems, given, is_made_up, stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.inspection.layer_shapes import Shape

Relation: TypeAlias = Literal["same", "renamed", "other"]


@dataclass(frozen=True, slots=True)
class Weight:
    """One weight.

    Attributes:
        shape: its shape.
        names: of the layer that it belongs to, behind those that the layer stands in.
        variable: its own name, "" if it is not known.
    """

    shape: Shape
    names: Names = ()
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A layer with weights, of a model or of a file.

    Attributes:
        path: its group in a Keras 3 file, or what stands for it elsewhere.
        names: the layer's name behind those that it stands in, as far as they are known.
        class_name: its class, "" if it is not known.
        weights: in their order; None if it cannot be told whether it has any.
        is_ordered: whether the order of its weights is the one in which Keras 2's HDF5 has them.
        must_have: whether it has weights, though they may not be known.
        row: the layers of one row follow each other as they are listed; "" if all do.
        position: its number among all layers, also those without weights; -1 if not known.
        plain: the shapes that it would have, were it not quantized; () if it is not.
        inside: the names of the layers in it as the config tells them, if that is all it tells;
            among them may be names of other things.
        twin: a layer that it may be the very same as, "" if there is none.
    """

    path: str
    names: Names = ()
    class_name: str = ""
    weights: tuple[Weight, ...] | None = ()
    is_ordered: bool = True
    must_have: bool = False
    row: str = ""
    position: int = -1
    plain: tuple[Shape, ...] = ()
    inside: Names = ()
    twin: str = ""

    @property
    def name(self) -> str:
        """Its names, for people."""
        return "/".join(self.names)

    @property
    def shapes(self) -> tuple[Shape, ...] | None:
        """Of its weights, in their order."""
        return None if self.weights is None else tuple(weight.shape for weight in self.weights)

    @property
    def inner(self) -> tuple[Names, ...]:
        """The names of the layers in it that have weights."""
        return tuple(dict.fromkeys(weight.names for weight in self.weights or ()))


class _Side:
    """The names on one side, looked up quickly."""

    def __init__(self, chains: Iterable[Names]) -> None:
        self.counts = Counter(chains)
        self._outer = {chain[0] for chain in self.counts if chain}
        self._sized = {(name, len(chain)) for chain in self.counts for name in chain}

    def has(self, name: str, chain: Names) -> bool:
        """Whether a layer of that name is there, where one with such a chain would stand."""
        return name in self._outer or (name, len(chain)) in self._sized


class KnownNames:
    """All names of a model and of a file: which of them tell one layer from another.

    Args:
        model: its layers.
        file: those with weights that it holds.
    """

    def __init__(self, model: Sequence[Place], file: Sequence[Place]) -> None:
        sides = (model, file)
        both = [place for side in sides for place in side]
        classes = {snake_case(place.class_name) for place in both if place.class_name}
        self._classes = classes | class_stems(place.path for place in both)
        self._believed = self._same_on_both([_chains(side) for side in sides])
        self._model, self._file = (_Side(map(self.given, _chains(side))) for side in sides)

    def _same_on_both(self, sides: list[list[Names]]) -> frozenset[str]:
        """Made-up names of a kind whose very same ones are on both sides: they tell layers, too."""
        families: tuple[dict[str, set[str]], ...] = ({}, {})
        for side, family in zip(sides, families, strict=True):
            for name in {name for chain in side for name in chain}:
                if is_made_up(name, self._classes):
                    family.setdefault(stem(name), set()).add(name)
        one, other = families
        return frozenset(
            name for kind, names in one.items() if names == other.get(kind) for name in names
        )

    def given(self, names: Names) -> Names:
        """Those names that tell layers apart."""
        return given(names, self._classes, self._believed)

    def relation(self, mine: Names, its: Names) -> Relation:
        """Whether a layer of the model and one of the file are the same, by their names.

        A name alone may have changed. If it is another layer's, so are the weights.
        """
        wanted, found = self.given(mine), self.given(its)
        if wanted == found:
            return "same"
        if any(name not in wanted and self._model.has(name, found) for name in found):
            return "other"
        if any(name not in found and self._file.has(name, wanted) for name in wanted):
            return "other"
        if sorted(wanted) == sorted(found):
            return "other"
        # One of the two may know more of what is around it, such as the model's name.
        return "same" if _is_within(wanted, found) or _is_within(found, wanted) else "renamed"

    def is_told(self, mine: Names, its: Names) -> bool:
        """Whether names confirm that two are the same: they have one, and no other layer has it."""
        wanted, found = self.given(mine), self.given(its)
        is_one = self._model.counts[wanted] <= 1 and self._file.counts[found] <= 1
        return bool(wanted) and bool(found) and is_one and self.relation(mine, its) == "same"


def _chains(side: Sequence[Place]) -> list[Names]:
    found: dict[Names, None] = {}
    for place in side:
        found.update(dict.fromkeys(place.inner or (place.names,)))
    return list(found)


def _is_within(short: Names, long: Names) -> bool:
    rest = iter(long)
    return bool(short) and all(name in rest for name in short)


def same_shape(wanted: Shape, found: Shape) -> bool:
    """Whether two shapes agree as far as they are known."""
    return len(wanted) == len(found) and all(
        x is None or y is None or x == y for x, y in zip(wanted, found, strict=True)
    )


def same_shapes(wanted: Sequence[Shape], found: Sequence[Shape], *, in_order: bool) -> bool:
    """Whether as many shapes agree, one after the other or in any order."""
    if len(wanted) != len(found):
        return False
    if in_order:
        return all(map(same_shape, wanted, found))
    left = list(found)
    # What is known in full comes first, so that it takes nothing from the others.
    for shape in sorted(wanted, key=lambda shape: shape.count(None)):
        taken = next((other for other in left if same_shape(shape, other)), None)
        if taken is None:
            return False
        left.remove(taken)
    return True
