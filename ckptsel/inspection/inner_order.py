"""The order in which a layer holds its sublayers, for Keras 3's files sort them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.inspection.layer_names import counter, stem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.inspection.places import Place

# The attributes of Keras's own layers, in the order in which `__init__` or `build` sets them.
_ATTRIBUTES = (
    ("forward_layer", "backward_layer"),
    ("query_dense", "key_dense", "value_dense", "output_dense"),
    ("_query_dense", "_key_dense", "_value_dense", "_output_dense"),
)


def in_order_of_layers(path: str, places: Sequence[Place]) -> tuple[list[Place], bool]:
    """The places in a layer in the order of `Layer.weights`, and whether that is certain.

    Args:
        path: the layer's group.
        places: the groups with weights in it, its own among them.
    """
    if len(places) <= 1:
        return list(places), True
    rest = {place.path: place.path.removeprefix(path).strip("/").split("/") for place in places}
    keys: dict[str, tuple[int, ...]] = {}
    is_sure = _rank(rest, keys)
    return sorted(places, key=lambda place: keys[place.path]), is_sure


def _rank(rest: dict[str, list[str]], keys: dict[str, tuple[int, ...]]) -> bool:
    """Give each path a key to sort by, one number a level."""
    below: dict[str, dict[str, list[str]]] = {}
    is_sure = True
    for path, parts in rest.items():
        keys.setdefault(path, ())
        # A layer's own weights come before those of its layers.
        below.setdefault(parts[0] if parts else "", {})[path] = parts[1:]
    ranks = _ranks([name for name in below if name])
    if ranks is None:
        ranks, is_sure = dict.fromkeys(below, 0), False
    for name, paths in below.items():
        for path in paths:
            keys[path] += (ranks.get(name, -1),)
        if name and len(paths) > 1:
            is_sure = _rank(paths, keys) and is_sure
    return is_sure


def _ranks(names: list[str]) -> dict[str, int] | None:
    """Name → its rank, if it is known: by attribute, or counted in a list of one class."""
    if len(names) <= 1:
        return dict.fromkeys(names, 0)
    for attributes in _ATTRIBUTES:
        if set(names) <= set(attributes):
            return {name: attributes.index(name) for name in names}
    if len({stem(name) for name in names}) == 1:
        return {name: counter(name) for name in names}
    return None
