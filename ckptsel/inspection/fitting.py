"""Will weights load into a model, and into the right layers? By Keras's own rules. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from ckptsel.inspection.fit import Fit, Match, fit_of
from ckptsel.inspection.inner_order import in_order_of_layers
from ckptsel.inspection.layer_fit import compare, is_of_the_class, matched, missing, unknown
from ckptsel.inspection.places import KnownNames, Place, same_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence


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
            matches.append(unknown(place, taken, known, outer=True))
        else:
            matches.append(compare(place, sources.pop(place.path, None), known, ordered=True))
    for source in sources.values():
        says = "no layer of the model takes it, silently"
        matches.append(Match(None, source, "extra", True, says))
    return fit_of("path", matches)


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
            matches.append(matched(place, source, known, ordered=is_keras))
    return fit_of("order", matches)


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
            matches.append(matched(place, source, known, ordered=False))
    for source in sources.values():
        says = "no layer of the model stands at its place, silently"
        matches.append(Match(None, source, "extra", True, says))
    return fit_of("order", matches)


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
            matches.append(matched(layer, source, known, ordered=not is_file_in_rows))
    for left in (place for row in rows.values() for place in row):
        if is_file_in_rows:
            matches.append(Match(None, left, "extra", True, "no layer of the model takes it"))
        else:
            matches.append(Match(left, None, "missing", False, "the file has nothing for it"))
    return replace(fit_of("order", matches), doubts=doubts)


def _row_of(place: Place, rows: dict[str, list[Place]]) -> str:
    """The row that the next layer comes from: that of its name, or else that of its shapes."""
    for row, waiting in rows.items():
        if any(place.names and place.names[0] in other.names[:1] for other in waiting):
            return row
    for is_alike in (is_of_the_class, _is_of_the_shapes, _is_of_the_size):
        for row, waiting in rows.items():
            if is_alike(place, waiting[0]):
                return row
    return ""


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
            matches.append(missing(place))
        else:
            found = matched(place, source, known, ordered=False)
            problem = found.problem.replace(" silently", "")
            matches.append(replace(found, silent=False, problem=problem))
    return fit_of("name", matches)
