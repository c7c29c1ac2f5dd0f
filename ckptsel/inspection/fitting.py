"""Will weights load into a model, and into the right layers? By Keras's own rules. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.formats.keras.config import snake_case
from ckptsel.inspection.model_layers import KNOWN_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.inspection.model_layers import Shape

Way: TypeAlias = Literal["path", "order", "name"]
State: TypeAlias = Literal[
    "fits", "renamed", "unknown", "missing", "count", "shape", "other-layer", "extra"
]
_GOOD = ("fits", "renamed", "unknown")
_COUNTER = re.compile(r"_\d+$")
# What Keras calls layers of itself, for files that do not tell a layer's class.
_USUAL = frozenset(map(snake_case, KNOWN_CLASSES))


@dataclass(frozen=True, slots=True)
class Place:
    """A layer with weights, of a model or of a file.

    Attributes:
        path: its group in a Keras 3 file, or what stands for it elsewhere.
        name: the layer's name, "" if it is not known.
        class_name: its class, "" if it is not known.
        shapes: of its weights, in their order; None if it cannot be told whether it has any.
        is_merged: whether it is a nested model, whose weights come in no order to rely on.
        inner: the names of the layers in it, in their order, where they are known.
    """

    path: str
    name: str = ""
    class_name: str = ""
    shapes: tuple[Shape, ...] | None = ()
    is_merged: bool = False
    inner: tuple[str, ...] = ()

    def given_name(self, *classes: str) -> str:
        """The name if somebody gave it; "" for those that Keras makes up, as `dense_3`.

        Args:
            classes: what the layer may be, besides its own class.
        """
        stem = _COUNTER.sub("", self.name)
        made_up = {snake_case(name) for name in (self.class_name, *classes)} | _USUAL
        return "" if stem in made_up else self.name


@dataclass(frozen=True, slots=True)
class Match:
    """A layer of the model, and what it would get.

    Attributes:
        layer: of the model; None for weights that no layer takes.
        source: of the file; None if there is nothing for the layer.
        state: `fits`; `renamed`: fits, under another name; `unknown`: cannot be told; `missing`:
            nothing for it in the file; `count`: another number of weights; `shape`: another
            shape; `other-layer`: fits, and is another layer's; `extra`: no layer takes it.
        silent: whether Keras would load it wrongly without a word.
        problem: what is wrong, in a sentence; "" if nothing.
    """

    layer: Place | None
    source: Place | None
    state: State
    silent: bool = False
    problem: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing is known to be wrong."""
        return self.state in _GOOD


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether weights fit into a model.

    Attributes:
        way: how layers were matched: by `path` (class and counter, Keras 3), by `order` (the
            HDF5 of Keras 2), or by `name`, where Keras has no rule.
        matches: the layers in the model's order, then what is left in the file.
        notes: what the table does not say, in sentences.
    """

    way: Way
    matches: tuple[Match, ...]
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether all weights load, each into its own layer, as far as it can be told."""
        return all(match.is_good for match in self.matches)


def fit(model: Sequence[Place], file: Sequence[Place], way: Way) -> Fit:
    """Match a file's weights with a model's layers.

    Args:
        model: its layers with weights, in its order.
        file: the layers with weights that it holds.
        way: see `Fit`.
    """
    if way == "path":
        matches = _by_path(model, file)
    elif way == "order":
        matches = _by_order(model, file)
    else:
        matches = _by_name(model, file)
    found = tuple(matches)
    return Fit(way, found, tuple(_notes(way, found)))


def _by_path(model: Sequence[Place], file: Sequence[Place]) -> Iterator[Match]:
    sources = {place.path: place for place in file}
    for place in model:
        if place.shapes is None:
            inner = [path for path in sources if f"{path}/".startswith(f"{place.path}/")]
            taken = [sources.pop(path) for path in inner]
            yield _unknown(place, taken[0] if taken else None)
            continue
        source = sources.pop(place.path, None)
        yield _compare(place, source, model, file)
    for source in sources.values():
        yield Match(None, source, "extra", True, "no layer of the model takes it, silently")


def _by_order(model: Sequence[Place], file: Sequence[Place]) -> Iterator[Match]:
    names = {place.name for place in file}
    # One whose weights cannot be told counts if the file has something under its name.
    layers = [place for place in model if place.shapes is not None or place.name in names]
    for place, source in zip_longest(layers, file):
        if place is None:
            yield Match(None, source, "extra", False, "the model has fewer layers with weights")
        elif source is None:
            yield Match(place, None, "missing", False, "the file has fewer layers with weights")
        elif place.shapes is None:
            yield _unknown(place, source)
        else:
            yield _compare(place, source, model, file)


def _by_name(model: Sequence[Place], file: Sequence[Place]) -> Iterator[Match]:
    # Formats differ in the order of a layer's weights, and so only the set is compared.
    model = [replace(place, is_merged=True) for place in model]
    names = Counter(place.name for place in (*model, *file))
    if "" in names or max(names.values(), default=0) > 2 or not _share_names(model, file):
        yield from _by_order(model, file)
        return
    sources = {place.name: place for place in file}
    for place in model:
        source = sources.pop(place.name, None)
        if place.shapes is None:
            yield _unknown(place, source)
        else:
            yield _compare(place, source, model, file)
    for source in sources.values():
        yield Match(None, source, "extra", False, "the model has no layer of that name")


def _share_names(model: Sequence[Place], file: Sequence[Place]) -> bool:
    return bool({place.name for place in model} & {place.name for place in file})


def _unknown(place: Place, source: Place | None) -> Match:
    what = place.class_name or "the layer"
    return Match(place, source, "unknown", False, f"the shapes of {what} cannot be told")


def _compare(
    place: Place, source: Place | None, model: Sequence[Place], file: Sequence[Place]
) -> Match:
    if source is None:
        return Match(place, None, "missing", False, "the file has nothing for it")
    wanted, found = place.shapes or (), source.shapes or ()
    if place.is_merged:
        wanted, found = _paired(wanted, found)
    if len(found) != len(wanted):
        says = f"it has {len(wanted)} weights, the file {len(found)}"
        return Match(place, source, "count", False, says)
    if not all(map(_same_shape, wanted, found)):
        return Match(place, source, "shape", False, "the shapes differ")
    if place.inner != source.inner and {*place.inner} == {*source.inner}:
        says = f"it would silently get its layers in another order: {', '.join(source.inner)}"
        return Match(place, source, "other-layer", True, says)
    mine, its = place.given_name(), source.given_name(place.class_name)
    if mine == its or not source.name:
        return Match(place, source, "fits")
    # A name alone may have changed. If it is another layer's, the weights are that layer's.
    if its and its in {other.name for other in model}:
        says = f"it would silently get the weights of {its!r}"
        return Match(place, source, "other-layer", True, says)
    if mine and mine in {other.name for other in file}:
        says = f"it would silently get those of {source.name!r}; its own stand elsewhere"
        return Match(place, source, "other-layer", True, says)
    return Match(place, source, "renamed")


def _paired(
    wanted: Sequence[Shape], found: Sequence[Shape]
) -> tuple[tuple[Shape, ...], tuple[Shape, ...]]:
    """Both in an order in which they agree, if there is one.

    Each of the wanted takes the first that fits; those with the fewest unknown sizes choose first.
    """
    order = sorted(wanted, key=lambda shape: (shape.count(None), [size or 0 for size in shape]))
    left = sorted(found, key=lambda shape: [size or 0 for size in shape])
    pairs: list[tuple[Shape, Shape]] = []
    alone: list[Shape] = []
    for shape in order:
        place = next((n for n, other in enumerate(left) if _same_shape(shape, other)), None)
        if place is None:
            alone.append(shape)
        else:
            pairs.append((shape, left.pop(place)))
    return (*(one for one, _ in pairs), *alone), (*(other for _, other in pairs), *left)


def _same_shape(wanted: Shape, found: Shape) -> bool:
    return len(wanted) == len(found) and all(
        x is None or y is None or x == y for x, y in zip(wanted, found, strict=True)
    )


def _notes(way: Way, matches: Sequence[Match]) -> Iterator[str]:
    kept = sum(match.state in ("missing", "count", "shape") for match in matches)
    if kept and way == "path":
        layers = "1 layer" if kept == 1 else f"{kept} layers"
        yield f"load_weights fails; with skip_mismatch=True {layers} would stay as they are"
    unknown = sum(match.state == "unknown" for match in matches)
    if unknown:
        yield f"{unknown} of the layers cannot be compared: the model's weights would tell"
    alike = Counter(
        (match.layer.class_name or _COUNTER.sub("", match.layer.path), match.layer.shapes)
        for match in matches
        if match.layer and match.source and match.state in ("fits", "renamed")
        if not (match.layer.given_name() and match.source.given_name(match.layer.class_name))
    )
    doubtful = sum(count for count in alike.values() if count > 1)
    if doubtful and way != "name":
        yield (
            f"{doubtful} layers are alike in class and shape, and no name that was given to"
            " them tells whether their order is the same"
        )
