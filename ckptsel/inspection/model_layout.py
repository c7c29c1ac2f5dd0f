"""A model laid out as the places that weights are to be matched with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.inspection.inner_order import in_order_of_layers
from ckptsel.inspection.layout import BY_ORDER, BY_PATH, Layout, called
from ckptsel.inspection.places import Place, Weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckptsel.inspection.layer_shapes import Shape
    from ckptsel.inspection.model_layers import ModelLayer


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
        yield Place(path, names, layer.class_name, called(weights, layer, names))


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
