"""Will weights load into a model, and into the right layers? By Keras's own rules. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.inspection.inner_order import in_order_of_layers
from ckptsel.inspection.layer_names import stem
from ckptsel.inspection.places import KnownNames, Place, same_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.inspection.layer_names import Names
    from ckptsel.inspection.places import Weight

Way: TypeAlias = Literal["path", "order", "name"]
State: TypeAlias = Literal[
    "fits",
    "renamed",
    "unknown",
    "unsure",
    "missing",
    "count",
    "shape",
    "other-layer",
    "extra",
]
Verdict: TypeAlias = Literal["fits", "does not fit", "cannot be told"]
_GOOD = ("fits", "renamed", "unknown")
_UNTOLD_ORDER = "in which order its weights are taken cannot be told"
_PAIR = {"gamma", "beta"}
# How many weights a normalization has that is without one of the two.
_HALVES = {"batch_normalization": 3, "layer_normalization": 1, "group_normalization": 1}


@dataclass(frozen=True, slots=True)
class Match:
    """A layer of the model, and what it would get.

    Attributes:
        layer: of the model; None for weights that no layer takes.
        source: of the file; None if there is nothing for the layer.
        state: `fits`; `renamed`: fits, under another name; `unknown`: the layer's weights are not
            known; `unsure`: nothing is wrong, and it cannot be told that it is right; `missing`:
            nothing for it in the file; `count`: another number of weights; `shape`: another
            shape; `other-layer`: fits, and is another layer's; `extra`: no layer takes it.
        silent: whether it would be loaded wrongly without a word.
        problem: what is wrong, in a sentence; "" if nothing.
        is_told: whether names confirm that the two belong together.
    """

    layer: Place | None
    source: Place | None
    state: State
    silent: bool = False
    problem: str = ""
    is_told: bool = False

    @property
    def is_good(self) -> bool:
        """Whether nothing is known to be wrong."""
        return self.state in _GOOD


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether weights fit into a model.

    Attributes:
        way: how layers were matched: by `path` (class and counter, Keras 3), by `order` (the
            HDF5 of Keras 2, TensorFlow), or by `name`, where Keras has no rule.
        matches: the layers in the model's order, then what is left in the file.
        doubts: why it cannot be told whether it fits, though nothing is wrong.
        caveats: how far it can be told that it fits.
        notes: what the table does not say, in sentences.
    """

    way: Way
    matches: tuple[Match, ...]
    doubts: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The answer: what is wrong counts before what is in doubt."""
        if not all(match.is_good or match.state == "unsure" for match in self.matches):
            return "does not fit"
        is_sure = not self.doubts and all(match.is_good for match in self.matches)
        return "fits" if is_sure else "cannot be told"

    @property
    def fits(self) -> bool:
        """Whether all weights load, each into its own layer, as far as it can be told."""
        return self.verdict == "fits"


def fit_by_path(model: Sequence[Place], file: Sequence[Place]) -> Fit:
    """Match as Keras 3 does: each layer takes the group of its class and counter.

    Args:
        model: its layers with weights, in its order.
        file: the layers with weights that it holds.
    """
    known = KnownNames(model, file)
    sources = {place.path: place for place in file}
    below: dict[str, list[str]] = {}
    for path in sources:
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            below.setdefault("/".join(parts[:depth]), []).append(path)
    matches = []
    for place in model:
        if place.weights is None:
            taken = [sources.pop(path) for path in below.get(place.path, []) if path in sources]
            taken, _ = in_order_of_layers(place.path, taken)
            matches.append(_unknown(place, taken, known, outer=True))
        else:
            matches.append(_compare(place, sources.pop(place.path, None), known, ordered=True))
    for source in sources.values():
        says = "no layer of the model takes it, silently"
        matches.append(Match(None, source, "extra", True, says))
    return _fit("path", matches)


def fit_by_order(model: Sequence[Place], file: Sequence[Place], *, is_keras: bool = True) -> Fit:
    """Match the layers one after the other.

    Args:
        model: its layers with weights, in its order.
        file: the layers with weights that it holds, in its order.
        is_keras: whether the weights of each layer are taken in their order, too.
    """
    known = KnownNames(model, file)
    matches = []
    for place, source in zip_longest(_counted(model, file), file):
        if place is None:
            says = "the model has fewer layers with weights"
            matches.append(Match(None, source, "extra", False, says))
        elif source is None:
            says = "the file has fewer layers with weights"
            matches.append(Match(place, None, "missing", False, says))
        else:
            matches.append(_matched(place, source, known, ordered=is_keras))
    return _fit("order", matches)


def fit_by_position(model: Sequence[Place], file: Sequence[Place]) -> Fit:
    """Match as TensorFlow does: by a layer's number among all, also those without weights.

    Args:
        model: its layers with weights, and their positions.
        file: the layers with weights that it holds, and theirs.
    """
    known = KnownNames(model, file)
    sources = {place.position: place for place in file}
    matches = []
    for place in model:
        source = sources.pop(place.position, None)
        if source is None and (place.weights or place.must_have):
            says = "the file has nothing at its place, and TensorFlow says nothing of it"
            matches.append(Match(place, None, "missing", True, says))
        elif source is not None:
            matches.append(_matched(place, source, known, ordered=False))
    for source in sources.values():
        says = "no layer of the model stands at its place, silently"
        matches.append(Match(None, source, "extra", True, says))
    return _fit("order", matches)


def fit_in_rows(model: Sequence[Place], file: Sequence[Place], doubt: str) -> Fit:
    """Match where one side knows the order of all layers, the other only that within a class.

    Args:
        model: its layers with weights.
        file: the layers with weights that it holds.
        doubt: what to say, unless one class is all there is.
    """
    known = KnownNames(model, file)
    is_file_in_rows = any(place.row for place in file)
    lined, rowed = (model, file) if is_file_in_rows else (file, model)
    rows: dict[str, list[Place]] = {}
    for place in rowed:
        rows.setdefault(place.row, []).append(place)
    doubts = (doubt,) if len(rows) > 1 else ()
    pairs: list[tuple[Place, Place | None]] = []
    for place in lined:
        row = _row_of(place, rows)
        pairs.append((place, rows[row].pop(0) if row else None))
        if row and not rows[row]:
            del rows[row]
    matches = []
    for place, other in pairs:
        layer, source = (place, other) if is_file_in_rows else (other, place)
        if layer is None:
            says = "the model has fewer layers with weights"
            matches.append(Match(None, source, "extra", False, says))
        elif source is None:
            matches.append(Match(layer, None, "missing", False, "the file has nothing for it"))
        else:
            matches.append(_matched(layer, source, known, ordered=not is_file_in_rows))
    for left in (place for row in rows.values() for place in row):
        if is_file_in_rows:
            matches.append(Match(None, left, "extra", True, "no layer of the model takes it"))
        else:
            matches.append(Match(left, None, "missing", False, "the file has nothing for it"))
    return replace(_fit("order", matches), doubts=doubts)


def _row_of(place: Place, rows: dict[str, list[Place]]) -> str:
    """The row that the next layer comes from: that of its name, or else that of its shapes."""
    for row, waiting in rows.items():
        if any(place.names and place.names[0] in other.names[:1] for other in waiting):
            return row
    for is_alike in (_is_of_the_class, _is_of_the_shapes, _is_of_the_size):
        for row, waiting in rows.items():
            if is_alike(place, waiting[0]):
                return row
    return ""


def _is_of_the_class(one: Place, other: Place) -> bool:
    return bool(one.class_name) and one.class_name == other.class_name


def _is_of_the_shapes(one: Place, other: Place) -> bool:
    return same_shapes(one.shapes or (), other.shapes or (), in_order=False)


def _is_of_the_size(one: Place, other: Place) -> bool:
    return len(one.shapes or ()) == len(other.shapes or ())


def _counted(model: Sequence[Place], file: Sequence[Place]) -> list[Place]:
    """Those layers that count: one whose weights cannot be told may have none."""
    if len(model) == len(file):
        return list(model)
    names = {place.names for place in file}
    return [p for p in model if p.weights is not None or p.must_have or p.names in names]


def compare_by_name(
    pairs: Sequence[tuple[Place | None, Place | None, bool]], known: KnownNames
) -> Fit:
    """What was paired by name, or by order and shape, where Keras has no rule.

    Args:
        pairs: a layer of the model, one of the file, and whether it may be another.
        known: the names of both.
    """
    matches = []
    for place, source, is_unsure in pairs:
        if place is None:
            says = "the model has no layer of that name"
            matches.append(Match(None, source, "extra", False, says))
        elif is_unsure:
            says = "names do not tell which of the file's layers of its shapes it is"
            matches.append(Match(place, source, "unsure", False, says))
        elif source is None:
            matches.append(_missing(place))
        else:
            found = _matched(place, source, known, ordered=False)
            problem = found.problem.replace(" silently", "")
            matches.append(replace(found, silent=False, problem=problem))
    return _fit("name", matches)


def _matched(place: Place, source: Place, known: KnownNames, *, ordered: bool) -> Match:
    if place.weights is None:
        return _unknown(place, [source], known)
    return _compare(place, source, known, ordered=ordered)


def _unknown(
    place: Place, sources: Sequence[Place], known: KnownNames, *, outer: bool = False
) -> Match:
    if not sources:
        return _missing(place)
    source = sources[0]
    # What is in the layer, the model does not tell.
    its = source.names[: len(place.names)] if outer else source.names
    if known.relation(place.names, its) == "other":
        return _others(place, source, its)
    if _is_other_order(place.inside, [chain for one in sources for chain in one.inner]):
        says = "it would silently get its layers in another order"
        return Match(place, source, "other-layer", True, says)
    what = place.class_name or "the layer"
    if place.plain and same_shapes(place.plain, source.shapes or (), in_order=False):
        says = f"it is quantized, and the weights are those of a plain {what}"
        return Match(place, source, "unsure", False, says)
    says = f"the shapes of {what} cannot be told"
    return Match(place, source, "unknown", False, says, known.is_told(place.names, its))


def _is_other_order(inside: Names, chains: Sequence[Names]) -> bool:
    """Whether names that a layer's config lists are those of the file, and in another order."""
    names = [chain[-1] for chain in chains if chain]
    mine = [name for name in inside if name in names]
    its = [name for name in names if name in inside]
    return len({*mine}) == len(mine) == len(its) and mine != its


def _missing(place: Place) -> Match:
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


def _compare(place: Place, source: Place | None, known: KnownNames, *, ordered: bool) -> Match:
    if source is None:
        return _missing(place)
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
    swapped = _swapped(wanted, found, in_order=in_order)
    if swapped:
        says = f"it would silently get its {swapped[1]} for its {swapped[0]}"
        return Match(place, source, "other-layer", True, says)
    if ordered and not in_order and not _is_of_the_class(place, source):
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
        if is_another and (one in its or other in mine or {one, other} == _PAIR):
            return one, other
    return None


def _fit(way: Way, matches: Sequence[Match]) -> Fit:
    found = tuple(matches)
    return Fit(way, found, (), tuple(_caveats(way, found)), tuple(_notes(way, found)))


def _notes(way: Way, matches: Sequence[Match]) -> Iterator[str]:
    kept = sum(match.state in ("missing", "count", "shape") for match in matches)
    if kept and way == "path":
        layers = "1 layer" if kept == 1 else f"{kept} layers"
        yield f"load_weights fails; with skip_mismatch=True {layers} would stay as they are"


def _caveats(way: Way, matches: Sequence[Match]) -> Iterator[str]:
    if way == "name":
        yield "matched by name only, the order was not checked"
    unknown = sum(match.state == "unknown" for match in matches)
    if unknown:
        yield f"{unknown} of the layers cannot be compared: the model's weights would tell"
    alike = Counter(
        (match.layer.class_name or stem(match.layer.path), match.layer.shapes)
        for match in matches
        if match.layer and match.source and match.state in ("fits", "renamed")
        if not match.is_told
    )
    doubtful = sum(count for count in alike.values() if count > 1)
    if doubtful and way != "name":
        yield (
            f"{doubtful} layers are alike in class and shape, and no name that was given to"
            " them tells whether their order is the same"
        )
    halves = sum(_is_half(match) for match in matches)
    if halves:
        yield (
            f"{halves} of the normalizations have a gamma or a beta, not both, and not both"
            " model and file say which"
        )


def _is_half(match: Match) -> bool:
    """Whether a normalization has one of two weights that look the same, and which is not told."""
    if match.layer is None or match.source is None or match.state not in ("fits", "renamed"):
        return False
    mine, its = ({w.variable for w in p.weights or ()} for p in (match.layer, match.source))
    if "" not in mine | its:
        return False
    usual = _HALVES.get(stem(match.layer.path.rpartition("/")[2]))
    is_half = len(match.layer.weights or ()) == usual and mine == its
    return is_half or len(mine & _PAIR) == 1 or len(its & _PAIR) == 1
