"""A live model's layers: where Keras keeps their weights, in which shapes, under which names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ckptsel.formats.keras.legacy import names_in
from ckptsel.inspection.layout import layout_of
from ckptsel.inspection.places import Place, Weight
from ckptsel.keras.weight_order import name_in
from ckptsel.keras.weights_file import layers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Contents
    from ckptsel.keras.weight_order import Name


class Live:
    """A model, with its weights as Keras itself has just saved them.

    What Keras writes for it is the one sure way to tell which variable it will look for where:
    the paths follow attributes of layers, and layers may store what they like.

    Args:
        model: a built model.
        saved: what `model.save_weights` has written.
    """

    def __init__(self, model: Any, saved: Contents) -> None:
        self.model = model
        self.saved = saved

    def by_path(self) -> list[Place]:
        """The layers in the order of the model, as Keras 3 has them in its files."""
        classes = {layer.name: type(layer).__name__ for layer in layers_of(self.model)}
        order = {name: number for number, name in enumerate(classes)}
        found = layout_of(self.saved, ())
        places = [
            replace(place, class_name=classes.get("".join(place.names[-1:]), ""))
            for place in (*found.leaves, *found.own)
        ]
        return sorted(places, key=lambda place: order.get("".join(place.names[-1:]), -1))

    def by_order(self) -> list[Place]:
        """The layers as the HDF5 of Keras 2 has them: a nested model is one layer."""
        return [
            Place(
                layer.name,
                (layer.name,),
                type(layer).__name__,
                tuple(
                    Weight(tuple(variable.shape), *names_in(layer.name, variable.path))
                    for variable in variables
                ),
            )
            for layer, variables in self._legacy_layers()
        ]

    def values_by_order(self) -> Iterator[list[tuple[str, Name, NDArray[Any]]]]:
        """The weights of each layer of `by_order`: the layer's name, their own, their values."""
        for layer, variables in self._legacy_layers():
            yield [
                (layer.name, name_in(layer.name, variable.path), array_of(variable))
                for variable in variables
            ]

    def _legacy_layers(self) -> list[tuple[Any, list[Any]]]:
        # Source: `_legacy_weights` in keras/src/legacy/saving/legacy_h5_format.py.
        listed = (
            (layer, layer.trainable_weights + layer.non_trainable_weights)
            for layer in self.model.layers
        )
        return [(layer, variables) for layer, variables in listed if variables]


def array_of(variable: Any) -> NDArray[Any]:
    """The value of a variable; bfloat16 as float32, which holds it exactly."""
    found = np.asarray(keras.ops.convert_to_numpy(variable))
    return found if found.dtype.kind in "biufc" else found.astype("float32")


def unbuilt(model: Any) -> list[str]:
    """The layers that have no weights yet, because nothing has called them."""
    return [layer.name for layer in layers_of(model) if not layer.built]
