"""One layer of a model, and what it would get of a file. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.inspection.fit import PAIR, Match, State
from ckptsel.inspection.layer_names import stem
from ckptsel.inspection.places import KnownNames, Place, same_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.inspection.layer_names import Names
    from ckptsel.inspection.places import Weight

_OTHER_ORDER = "it would silently get its layers in another order"
_UNTOLD_ORDER = "in which order its weights are taken cannot be told"


def matched(place: Place, source: Place, known: KnownNames, *, ordered: bool) -> Match:
    """A layer and what was found for it, whether or not its weights are known."""
    if place.weights is None:
        return unknown(place, [source], known)
    return compare(place, source, known, ordered=ordered)


def unknown(
    place: Place, sources: Sequence[Place], known: KnownNames, *, outer: bool = False
) -> Match:
    """A layer whose weights the model does not tell: its names, and those in it, are compared."""
    if not sources:
        return missing(place)
    source = sources[0]
    # What is in the layer, the model does not tell.
    its = source.names[: len(place.names)] if outer else source.names
    if known.relation(place.names, its) == "other":
        return _others(place, source, its)
    if any(_is_other_order(place.inside, chains) for chains in _rows(sources, apart=outer)):
        return Match(place, source, "other-layer", True, _OTHER_ORDER)
    what = place.class_name or "the layer"
    if place.plain and same_shapes(place.plain, source.shapes or (), in_order=False):
        says = f"it is quantized, and the weights are those of a plain {what}"
        return Match(place, source, "unsure", False, says)
    says = f"the shapes of {what} cannot be told"
    return Match(place, source, "unknown", False, says, known.is_told(place.names, its))


def _rows(sources: Sequence[Place], *, apart: bool) -> list[list[Names]]:
    """The layers in what was found, in their order; where paths place them, apart by class.

    Keras 3 counts the layers of each class, and a file sorts the classes by their names: of an
    LSTMCell and a GRUCell in one list the order in the file tells nothing.
    """
    rows: dict[str, list[Names]] = {}
    for source in sources:
        rows.setdefault(stem(source.path) if apart else "", []).extend(source.inner)
    return [*rows.values()]


def _is_other_order(inside: Names, chains: Sequence[Names]) -> bool:
    """Whether names that a layer's config lists are those of the file, and in another order."""
    names = [chain[-1] for chain in chains if chain]
    mine = [name for name in inside if name in names]
    its = [name for name in names if name in inside]
    return len({*mine}) == len(mine) == len(its) and mine != its


def missing(place: Place) -> Match:
    """A layer for which the file has nothing."""
    if place.twin:
        says = f"the file has nothing for it; right only if it is the same layer as {place.twin!r}"
        return Match(place, None, "unsure", False, says)
    if place.weights is None and not place.must_have:
        what = place.class_name or "the layer"
        return Match(place, None, "unknown", False, f"it cannot be told if {what} has weights")
    return Match(place, None, "missing", False, "the file has nothing for it")


def _others(place: Place, source: Place, its: Names) -> Match:
    says = f"it would silently get the weights of {'/'.join(its)!r}"
    return Match(place, source, "other-layer", True, says)


def compare(place: Place, source: Place | None, known: KnownNames, *, ordered: bool) -> Match:
    """A layer and what it would get: count, shapes, names, and the weights' own order."""
    if source is None:
        return missing(place)
    wanted, found = place.weights or (), source.weights or ()
    if len(found) != len(wanted):
        says = f"it has {len(wanted)} weights, the file {len(found)}"
        if place.row and any("lora" in weight.variable for weight in found):
            return Match(place, source, "unsure", False, f"{says}; the model may have LoRA, too")
        return Match(place, source, "count", False, says)
    in_order = ordered and place.is_ordered and source.is_ordered
    shapes = place.shapes or (), source.shapes or ()
    if place.row and not same_shapes(*shapes, in_order=in_order):
        in_order = False  # quantized layers have another order, which is not told here
    if not same_shapes(*shapes, in_order=in_order):
        return Match(place, source, "shape", False, "the shapes differ")
    chains = list(zip([w.names for w in wanted], [w.names for w in found], strict=True))
    if not in_order:
        chains = [(_nearest(its, place, known), its) for its in source.inner or (source.names,)]
    for mine, its in dict.fromkeys(chains):
        if known.relation(mine, its) == "other":
            return _others(place, source, its)
    if ordered and not in_order and _is_other_order(place.inside, source.inner):
        return Match(place, source, "other-layer", True, _OTHER_ORDER)
    swapped = _swapped(wanted, found, in_order=in_order)
    if swapped:
        says = f"it would silently get its {swapped[1]} for its {swapped[0]}"
        return Match(place, source, "other-layer", True, says)
    if ordered and not in_order and not is_of_the_class(place, source):
        return Match(place, source, "unsure", False, _UNTOLD_ORDER)
    relations = {known.relation(mine, its) for mine, its in chains}
    state: State = "renamed" if "renamed" in relations else "fits"
    is_told = all(known.is_told(mine, its) for mine, its in chains)
    return Match(place, source, state, is_told=is_told)


def _nearest(its: Names, place: Place, known: KnownNames) -> Names:
    """Of the layers in a place, the one that a layer of the file is most like."""
    inner = place.inner or (place.names,)
    rank = {"same": 0, "renamed": 1, "other": 2}
    return min(inner, key=lambda mine: rank[known.relation(mine, its)])


def _swapped(
    wanted: Sequence[Weight], found: Sequence[Weight], *, in_order: bool
) -> tuple[str, str] | None:
    """A weight's own name, and that of another that it would get."""
    mine = [weight.variable.lstrip("_") for weight in wanted]
    its = [weight.variable.lstrip("_") for weight in found]
    if not in_order:
        # The order of the formats differs; which weights there are does not.
        if "" in mine or "" in its:
            return None
        mine, its = (sorted(names) for names in (mine, its))
    for one, other in zip(mine, its, strict=True):
        is_another = one and other and one != other
        if is_another and (one in its or other in mine or {one, other} == PAIR):
            return one, other
    return None


def is_of_the_class(one: Place, other: Place) -> bool:
    """Whether two layers are of one class, as far as that is known."""
    return bool(one.class_name) and one.class_name == other.class_name
