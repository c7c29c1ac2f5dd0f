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
    from ckptsel.inspection.layer_shapes import Shape
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
                weights=_called(place.weights or (), layer, place.names or layer.names),
            )


def _called(weights: tuple[Weight, ...], layer: ModelLayer, names: Names) -> tuple[Weight, ...]:
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


def layout_of_model(
    listed: Sequence[ModelLayer],
    file: Layout | None,
    shapes: Mapping[str, tuple[Shape, ...]],
) -> Layout:
    """A model's, from its config and, where that does not tell, the weights beside it.

    Args:
        listed: the layers of its config.
        file: its own weights, None if there are none.
        shapes: layer's name → the shapes of its weights, where the config does not tell on what
            it was built.
    """
    kind = file.kind if file else ""
    stored = {place.path: place for place in file.leaves} if file and kind in BY_PATH else {}
    above = {layer.path: layer for layer in listed}
    below: dict[str, list[Place]] = {}
    for place in stored.values():
        layer = _above(place.path, above)
        if layer is not None:
            below.setdefault(layer.path, []).append(place)
    parts: dict[str, list[Place]] = {}
    for layer in listed:
        parts[layer.path] = list(_places(layer, below.get(layer.path, []), shapes))
    _mark_twins(listed, parts)
    leaves = [place for places in parts.values() for place in places]
    if file and kind in BY_PATH:
        # Attributes of a model that is more than its layers.
        known = {place.path for place in leaves}
        leaves += [
            place
            for place in file.leaves
            if place.path not in known and not place.path.startswith("layers/")
        ]
    if file and kind == BY_ORDER:
        return Layout(kind, tuple(leaves), file.tops, file.own)
    return Layout(kind, tuple(leaves), tuple(_tops(listed, parts)), file.own if file else ())


def _above(path: str, known: Mapping[str, ModelLayer]) -> ModelLayer | None:
    while path and path not in known:
        path = path.rpartition("/")[0]
    return known.get(path)


def _places(
    layer: ModelLayer, stored: Sequence[Place], shapes: Mapping[str, tuple[Shape, ...]]
) -> Iterable[Place]:
    if layer.weights is None:
        if stored:
            yield from stored
        else:
            yield Place(
                layer.path,
                layer.names,
                layer.class_name,
                None,
                must_have=layer.must_have_weights,
                plain=layer.plain,
                inside=layer.inside,
            )
        return
    there = {place.path: place for place in stored}
    for path, told in layer.weights.items():
        place = there.get(path)
        if not told:
            continue
        names = place.names if place and place.names else layer.names
        found = shapes.get(layer.name, told)
        if len(found) != len(told):
            found = told
        if place and len(place.weights or ()) == len(told) and _is_partly_known(told):
            found = place.shapes or ()
        weights = tuple(Weight(shape, names) for shape in found)
        yield Place(path, names, layer.class_name, _called(weights, layer, names))


def _is_partly_known(shapes: Iterable[Shape]) -> bool:
    return any(size is None for shape in shapes for size in shape)


def _mark_twins(listed: Sequence[ModelLayer], parts: dict[str, list[Place]]) -> None:
    """A layer that stands in several models is saved once, and configs do not tell of it."""
    seen: dict[tuple[str, str], ModelLayer] = {}
    for layer in listed:
        first = seen.setdefault((layer.class_name, layer.name), layer)
        if first is not layer and first.fields == layer.fields:
            twin = "/".join(first.names)
            parts[layer.path] = [replace(place, twin=twin) for place in parts[layer.path]]


def _tops(listed: Sequence[ModelLayer], parts: Mapping[str, list[Place]]) -> Iterable[Place]:
    """The model's own layers, each with its weights as Keras 2's HDF5 orders them.

    Source: `_legacy_weights` in keras/src/legacy/saving/legacy_h5_format.py: those that are
    trained first; and `Layer.weights`: a layer's own before those of the layers in it.
    """
    # A Sequential model that was not told its input has none in its config, but in its graph.
    position = -1 if listed and listed[0].class_name == "InputLayer" else 0
    inside: dict[str, list[ModelLayer]] = {}
    for layer in listed:
        inside.setdefault("/".join(layer.path.split("/")[:2]), []).append(layer)
    for path, layers in inside.items():
        position += 1
        top = layers[0]
        places = [place for layer in layers for place in parts[layer.path]]
        if not places:
            continue
        weights: list[tuple[Weight, bool]] | None = []
        is_sure = True
        for layer in layers:
            ordered, is_ordered = in_order_of_layers(layer.path, parts[layer.path])
            is_sure = is_sure and is_ordered
            for place in ordered:
                if place.weights is None or weights is None:
                    weights = None
                    continue
                told = _trained(layer, place)
                is_sure = is_sure and (told is not None or len(places) == 1)
                weights += told or [(weight, True) for weight in place.weights]
        is_frozen = top.fields.get("trainable", True) is False
        if weights is not None and not is_frozen:
            weights.sort(key=lambda one: not one[1])
        yield Place(
            path,
            top.names,
            top.class_name,
            None if weights is None else tuple(weight for weight, _ in weights),
            is_ordered=is_sure and not any(layer.is_quantized for layer in layers),
            must_have=any(layer.must_have_weights for layer in layers),
            plain=top.plain,
            inside=top.inside,
            position=position,
        )


def _trained(layer: ModelLayer, place: Place) -> list[tuple[Weight, bool]] | None:
    """A layer's weights as HDF5 has them, and which are trained; None if that is not known."""
    weights = place.weights or ()
    rank = layer.lora_rank
    if rank and weights and not layer.is_quantized:
        kernel = weights[0]
        pair = (
            Weight((*kernel.shape[:-1], rank), kernel.names, "lora_a"),
            Weight((rank, kernel.shape[-1]), kernel.names, "lora_b"),
        )
        return [(kernel, False), *((w, layer.is_trainable) for w in (*weights[1:], *pair))]
    if layer.is_keras and layer.class_name == "BatchNormalization":
        moving = len(weights) - 2
        return [(w, layer.is_trainable and at < moving) for at, w in enumerate(weights)]
    if layer.is_keras and layer.class_name == "Normalization":
        return [(weight, False) for weight in weights]
    if layer.is_trained_only:
        return [(weight, layer.is_trainable) for weight in weights]
    return None if layer.is_trainable else [(weight, False) for weight in weights]
