"""Weights → the HDF5 of Keras 2, which holds them by layer and in the model's order.

Source: `save_weights_to_hdf5_group` in keras/src/legacy/saving/legacy_h5_format.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.checkpoint import Finding
from ckptsel.conversion.cargo import Cargo, Streamed, itemized, listed
from ckptsel.conversion.hdf5_file import write_hdf5
from ckptsel.conversion.keras_paths import layers_by_config, paths_of
from ckptsel.conversion.layered import LAYERED, Layered, layers_of, optimizer_left_out
from ckptsel.conversion.model_config import config_for
from ckptsel.conversion.model_fit import doubts
from ckptsel.conversion.read_back import require_same
from ckptsel.errors import ConversionError
from ckptsel.formats.keras.legacy import TOP_LEVEL, KerasLegacy
from ckptsel.inspection.model_layers import layers_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckptsel.conversion.converter import Options
    from ckptsel.conversion.layer import Layer
    from ckptsel.formats.contents import Contents, Tensor

# HDF5 has no attributes of 64 KiB (HDF5_OBJECT_HEADER_LIMIT in legacy_h5_format.py).
_LARGEST_ATTRIBUTE_BYTES = 64512
# What the layout is called where the source does not say who wrote it: that of Keras 2.
_WRITTEN_BY = {"keras_version": "2.0.0", "backend": "tensorflow"}


def load(contents: Contents, path: str, options: Options) -> Cargo:
    """See `Loader`. The optimizer's state has no place in this format."""
    layered, doubtful = _layered(contents, path, options)
    made_up = []
    named: dict[str, Tensor] = {}
    attributes: dict[str, dict[str, Any]] = {"": {}}
    names = []
    for number, layer in enumerate(layered.layers):
        if layer.doubt:
            raise ConversionError(
                f"{layer.doubt}: the order of weights in this format depends on it",
                hint="give --model and write .weights.h5 or .keras, which do not depend on it",
            )
        name = layer.name or f"layer_{number}"
        if not layer.name and number == len(layered.layers) - 1 and contents.kind == "h5":
            name = TOP_LEVEL
        else:
            names.append(name)
            made_up += [] if layer.name else [name]
        weights = [weight.name for weight in layer.weights]
        if len({*weights}) != len(weights):
            raise ConversionError(
                f"{path!r} has several weights of one name in {name!r}, and HDF5 a place for one",
                hint="give --model and write .weights.h5 or .keras, which have a place for each",
            )
        attributes[name] = _listed("weight_names", weights)
        named |= {f"{name}/{weight.name}": weight.tensor for weight in layer.weights}
    if len({*names}) != len(names):
        raise ConversionError(f"{path!r} has several layers of one name, and HDF5 a group for each")
    attributes[""] = {**_listed("layer_names", names), **_WRITTEN_BY, **dict(layered.written_by)}
    items, findings = itemized(named.items(), path, options)
    findings = (*findings, *doubtful)
    if made_up:
        message = (
            f"models within the model are called {', '.join(made_up)}, as the checkpoint does not"
            " tell their names: load_weights(by_name=True) passes them over; --model tells them"
        )
        findings = (*findings, Finding("name-made-up", message, path, strict=True))
    if layered.optimizer_bytes and not options.drop_optimizer:
        findings = (*findings, optimizer_left_out(path))
    return Cargo(path, contents, items, layered.optimizer_bytes, attributes, findings)


def _layered(
    contents: Contents, path: str, options: Options
) -> tuple[Layered, tuple[Finding, ...]]:
    if contents.kind in LAYERED:
        layered = layers_of(contents, path)
        if options.model and contents.kind == "tf-checkpoint":
            layered = _named(layered, config_for(contents, options), path)
        return layered, ()
    tensors = listed(contents, path)
    config = config_for(contents, options)
    # Paths alone count classes, and would give a layer the weights of another one of its class.
    doubtful = doubts(contents, path, options) if options.model else ()
    layers: Sequence[Layer] = layers_by_config(tensors, config, path)
    optimizer_bytes = sum(t.size_bytes for t in tensors if t.role == "optimizer")
    return Layered(tuple(layers), optimizer_bytes), doubtful


def _named(layered: Layered, config: Mapping[str, Any], path: str) -> Layered:
    """With the names that a config has for models within the model; all of it has to fit."""
    tops = {home.path: home.name for home in layers_in(config)}
    places = paths_of(layered, config, path)
    names = {id(each.tensor): tops["/".join(each.path.split("/")[:2])] for each in places}
    layers = [
        replace(layer, name=layer.name or names[id(layer.weights[0].tensor)])
        for layer in layered.layers
    ]
    return replace(layered, layers=tuple(layers))


def _listed(name: str, texts: Sequence[str]) -> dict[str, Any]:
    """A list of names as attributes; a long one is cut into `name0`, `name1`, …."""
    encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    if any(len(text) > _LARGEST_ATTRIBUTE_BYTES for text in encoded):
        raise ConversionError("a layer's name is too long for HDF5")
    array = np.array(encoded, "S") if encoded else np.array([], "f8")
    if array.nbytes <= _LARGEST_ATTRIBUTE_BYTES:
        return {name: array}
    number = -(-array.nbytes // _LARGEST_ATTRIBUTE_BYTES)
    while any(part.nbytes > _LARGEST_ATTRIBUTE_BYTES for part in np.array_split(array, number)):
        number += 1
    return {f"{name}{index}": part for index, part in enumerate(np.array_split(array, number))}


def put(cargo: Cargo, dest: str, options: Options) -> None:
    """See `Putter`."""
    del options
    write_hdf5(cargo, cargo.items, cargo.attributes, dest)


def confirm(cargo: Cargo, made: Contents, options: Options) -> None:
    """See `Confirmer`: Keras goes by the order of the layers, and of the weights in each."""
    del options
    assert isinstance(made, KerasLegacy), "it was written as such"
    attributes = {group: each for group, each in cargo.attributes.items() if group}
    # What belongs to no layer is read last, and also where there is none of it.
    attributes[TOP_LEVEL] = attributes.pop(TOP_LEVEL, {})
    wanted = [(_readable(group), _texts(each)) for group, each in attributes.items()]
    require_same("the order of the layers", [*made.layout.items()], wanted)


def _texts(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """What `_listed` made attributes of."""
    return tuple(
        text.decode("utf-8", "replace") for array in attributes.values() for text in array.tolist()
    )


def _readable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


CONVERTER = Streamed(load, put, confirm)
