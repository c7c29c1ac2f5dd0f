"""A checkpoint's weights, and a model's, laid out as the places that are to be matched."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckptsel.inspection.inner_order import in_order_of_layers
from ckptsel.inspection.inspect import layers_of
from ckptsel.inspection.layer_names import counter, stem
from ckptsel.inspection.places import Place, Weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckptsel.formats.contents import Contents, Tensor
    from ckptsel.inspection.layer_names import Names
    from ckptsel.inspection.model_layers import ModelLayer

BY_PATH = ("keras", "weights.h5", "sharded weights")
BY_ORDER = "h5"
TENSORFLOW = ("tf-checkpoint", "savedmodel")
# Keras 3's first files call the layers after an attribute of Keras 2, and are still read.
_OLD = "_layer_checkpoint_dependencies"
# How TensorFlow's graph of objects numbers layers: all of them in Keras 3, those with weights
# in Keras 2, which numbers the others, too, where it does not name them so.
_NUMBERED = re.compile(r"(?P<all>.*?(?<![^/])_operations/)(\d+)/|(.*?layer_with_weights-)(\d+)/")
# Weights of the model itself, that belong to none of its layers.
_MODELS_OWN = ("vars", "top_level_model_weights", "model_weights/top_level_model_weights")


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything that has weights.

    Attributes:
        kind: the format that it is from; "" for a config.
        leaves: the innermost layers, in Keras 3's groups where there are such; nested models
            are opened.
        tops: the model's own layers; a nested model is one of them.
        own: the weights of the model itself, which belong to none of its layers.
    """

    kind: str
    leaves: tuple[Place, ...]
    tops: tuple[Place, ...]
    own: tuple[Place, ...] = ()

    @property
    def is_rowed(self) -> bool:
        """Whether only the layers of one class are in the model's order."""
        return any(place.row for place in self.tops)

    @property
    def is_numbered(self) -> bool:
        """Whether the tops are in the model's order for they are numbered."""
        return bool(self.tops) and self.kind in TENSORFLOW


def layout_of(contents: Contents, listed: Sequence[ModelLayer]) -> Layout:
    """A checkpoint's.

    Args:
        contents: it, open.
        listed: the layers of its config, if it has one.

    Raises:
        DamagedError: if its tensors cannot be listed.
    """
    weights = [tensor for tensor in contents.tensors if tensor.role == "weight"]
    groups = _groups(weights, contents.kind)
    own = tuple(place for place in groups if place.path in _MODELS_OWN)
    leaves = tuple(place for place in groups if place.path not in _MODELS_OWN)
    if contents.kind in BY_PATH:
        leaves = tuple(_told_by_config(leaves, listed))
        return Layout(contents.kind, leaves, tuple(_rows(leaves)), own)
    tops: Iterable[Place] = ()
    if contents.kind == BY_ORDER:
        classes = {layer.names: layer for layer in listed}
        inside = [tensor for tensor in weights if tensor.layer]
        tops = _in_order(inside, classes) if inside else leaves
    elif contents.kind in TENSORFLOW:
        tops = _numbered(weights)
    return Layout(contents.kind, leaves, tuple(tops), own)


def _groups(weights: Sequence[Tensor], kind: str) -> list[Place]:
    """The weights by the layer that they are in."""
    found: dict[tuple[str, Names], list[Tensor]] = {}
    if kind in BY_PATH:
        for tensor in weights:
            group = tensor.path.rpartition("/")[0]
            found.setdefault((group.removesuffix("/vars"), tensor.owners), []).append(tensor)
        found = {(path.replace(_OLD, "layers"), names): g for (path, names), g in found.items()}
    else:
        # TensorFlow takes the shortest way to a variable, be it by the optimizer's list: then those
        # of a layer stand far from each other, and only names bring them together.
        is_scattered = kind in TENSORFLOW and not all(_NUMBERED.match(t.path) for t in weights)
        for layer in layers_of(weights):
            for tensor in layer.tensors:
                path = "" if is_scattered and tensor.owners else layer.path
                found.setdefault((path, tensor.owners), []).append(tensor)
    return [Place(path, names, weights=_weights(group)) for (path, names), group in found.items()]


def _folder(tensor: Tensor) -> str:
    return layers_of([tensor])[0].path


def _weights(tensors: Iterable[Tensor]) -> tuple[Weight, ...]:
    return tuple(Weight(t.shape, t.owners or _name(t), t.variable) for t in tensors)


def _name(tensor: Tensor) -> Names:
    return (tensor.layer,) if tensor.layer else ()


def _in_order(weights: Sequence[Tensor], listed: Mapping[Names, ModelLayer]) -> list[Place]:
    """The layers of Keras 2's HDF5: it lists them, and the weights in each."""
    found: dict[str, list[Tensor]] = {}
    for tensor in weights:
        found.setdefault(tensor.layer, []).append(tensor)
    return [
        Place(
            _folder(tensors[0]),
            (name,),
            listed[(name,)].class_name if (name,) in listed else "",
            _weights(tensors),
        )
        for name, tensors in found.items()
    ]


def _numbered(weights: Sequence[Tensor]) -> list[Place]:
    """The layers of a TensorFlow checkpoint, if its graph numbers them all."""
    found: dict[int, list[Tensor]] = {}
    marks = set()
    for tensor in weights:
        match = _NUMBERED.match(tensor.path)
        if not match:
            return []
        marks.add(match["all"] or match[3])
        found.setdefault(int((match[2] or match[4])[:18]), []).append(tensor)
    if len(marks) != 1:
        return []
    is_of_all = marks.pop().endswith("_operations/")
    return [
        Place(
            _NUMBERED.match(tensors[0].path)[0].rstrip("/"),  # type: ignore[index]
            _common([tensor.owners for tensor in tensors]),
            weights=_weights(tensors),
            position=number if is_of_all else -1,
        )
        for number, tensors in sorted(found.items())
    ]


def _common(chains: Sequence[Names]) -> Names:
    first = chains[0]
    for length in range(len(first), 0, -1):
        if all(chain[:length] == first[:length] for chain in chains):
            return first[:length]
    return first[:1]


def _told_by_config(places: Iterable[Place], listed: Sequence[ModelLayer]) -> Iterable[Place]:
    """The groups of a Keras 3 file, with what the config beside it knows of them."""
    known = {layer.path: layer for layer in listed}
    for place in places:
        layer = known.get(place.path)
        if layer is None:
            yield place
        else:
            yield replace(
                place,
                names=place.names or layer.names,
                class_name=layer.class_name,
                weights=called(place.weights or (), layer, place.names or layer.names),
            )


def called(weights: tuple[Weight, ...], layer: ModelLayer, names: Names) -> tuple[Weight, ...]:
    """The weights with their variables' names, where the layer's config tells them."""
    variables = layer.variables
    if len(variables) != len(weights):
        return tuple(replace(weight, names=weight.names or names) for weight in weights)
    return tuple(
        replace(weight, names=weight.names or names, variable=variable)
        for weight, variable in zip(weights, variables, strict=True)
    )


def _rows(leaves: Sequence[Place]) -> list[Place]:
    """The layers of a Keras 3 file without its model's config: counted within each class."""
    found: dict[tuple[str, str], list[Place]] = {}
    for place in leaves:
        parts = place.path.split("/")
        if parts[0] == "layers":
            found.setdefault(("layers", "/".join(parts[:2])), []).append(place)
        else:  # an attribute: a layer, or a list of layers
            name = place.names[0] if place.names else ""
            found.setdefault((parts[0], name), []).append(place)
    tops = []
    for (kind, name), places in found.items():
        path = name if kind == "layers" else places[0].path
        ordered, is_ordered = in_order_of_layers(path, places)
        last = path.rpartition("/")[2]
        tops.append(
            Place(
                path,
                ordered[0].names[:1],
                ordered[0].class_name if len(ordered) == 1 else "",
                tuple(weight for place in ordered for weight in place.weights or ()),
                is_ordered=is_ordered,
                row=stem(last) if kind == "layers" else path,
                position=counter(last),
            )
        )
    return sorted(tops, key=lambda top: (top.row, top.position))
