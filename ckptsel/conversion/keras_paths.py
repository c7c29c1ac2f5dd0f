"""Layers and weights ⇄ the paths of Keras 3, by a model's config. Pure.

Source: `_save_state` in keras/src/saving/saving_lib.py: a layer's own variables are `vars/0`,
`vars/1`, …, what is trained before what is not, as in Keras 2. What differs is where layers
within layers stand, and that Keras 2 puts what is trained of a whole inner model first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckptsel.conversion.layer import Layer, Weight
from ckptsel.errors import ConversionError
from ckptsel.inspection.layer_shapes import NORM_VARIABLES
from ckptsel.inspection.model_layers import layers_in
from ckptsel.inspection.places import same_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckptsel.conversion.layered import Layered
    from ckptsel.formats.contents import Tensor
    from ckptsel.inspection.model_layers import ModelLayer

_STATISTICS = 2  # moving mean and variance: the last of a BatchNormalization, not trained


@dataclass(frozen=True, slots=True)
class Place:
    """Where a weight goes in a file of Keras 3.

    Attributes:
        path: `layers/dense/vars/0`.
        layer: the layer's name.
        tensor: of the source.
        is_untold: whether it is of a normalization that has a gamma or a beta, not both, and
            nothing says which of the two the source has.
    """

    path: str
    layer: str
    tensor: Tensor
    is_untold: bool = False


def paths_of(layered: Layered, config: Mapping[str, Any], path: str) -> list[Place]:
    """The paths of Keras 3 for weights by layer.

    Layers are found by their names, and shapes and numbers have to agree with the config.

    Raises:
        ConversionError: if a layer is missing on one side, does not fit, or is of a class whose
            variables Keras 3 keeps where the config does not tell.
    """
    homes = _homes(config, path)
    places: list[Place] = []
    for layer in layered.layers:
        for owner, weights in _by_owner(layer).items():
            home = _find(homes, layer.name, owner, path)
            group, shapes = _group(home)
            found = [weight.tensor.shape for weight in weights]
            if shapes is not None and not same_shapes(shapes, found, in_order=True):
                raise ConversionError(
                    f"the layer {home.name!r} of the model wants {_shown(shapes)},"
                    f" and {path!r} has {_shown(found)}"
                )
            is_untold = not _are_named(home, weights, path) and _is_half(home)
            places += [
                Place(f"{group}/vars/{number}", home.name, weight.tensor, is_untold)
                for number, weight in enumerate(weights)
            ]
            homes = [each for each in homes if each is not home]
    left = [home.name for home in homes if home.weights]
    if left:
        raise ConversionError(f"{path!r} has no weights for the layer {left[0]!r} of the model")
    return places


def other_classes(own: Mapping[str, Any] | None, config: Mapping[str, Any]) -> list[str]:
    """Layers that have one name in two configs, and not one class; in a few words each.

    Args:
        own: the config that the weights came with; None if with none.
        config: the config that they are placed by.
    """
    known = {home.names: home.class_name for home in layers_in(own)}
    pairs = ((home, known.get(home.names)) for home in layers_in(config))
    return [
        f"{home.name!r} is a {known_class} in the file, and a {home.class_name} in the model"
        for home, known_class in pairs
        if known_class is not None and known_class != home.class_name and home.weights != {}
    ]


def _are_named(home: ModelLayer, weights: Sequence[Weight], path: str) -> bool:
    """Whether the weights of a normalization, all of one shape, have the names that they should.

    Raises:
        ConversionError: if they have the names of others.
    """
    wanted, found = home.variables, [weight.variable for weight in weights]
    told = [name in NORM_VARIABLES for name in found]
    are_others = any(
        is_told and name != other for is_told, name, other in zip(told, found, wanted, strict=False)
    )
    if wanted and (are_others or len(wanted) != len(found)):
        raise ConversionError(
            f"the layer {home.name!r} of the model wants {', '.join(wanted)},"
            f" and {path!r} has {', '.join(found)}"
        )
    return all(told)


def _is_half(home: ModelLayer) -> bool:
    return len({"gamma", "beta"}.intersection(home.variables)) == 1


def layers_by_config(
    tensors: Sequence[Tensor], config: Mapping[str, Any], path: str
) -> list[Layer]:
    """The weights of a file of Keras 3 by layer, in the order of Keras 2.

    Raises:
        ConversionError: if a weight is of no layer of the config, or the order cannot be told.
    """
    left = {tensor.path: tensor for tensor in tensors if tensor.role == "weight"}
    found: dict[str, list[tuple[bool, Weight]]] = {}
    names: dict[str, str] = {}
    for home in layers_in(config):
        top = "/".join(home.path.split("/")[:2])
        names.setdefault(top, home.name)
        group, shapes = (home.path, ()) if home.weights == {} else _group(home)
        own = _own(left, group)
        if home.weights == {} and own:
            raise ConversionError(f"{path!r} has weights for {home.name!r}, which has none")
        stored = [tensor.shape for tensor in own]
        if shapes and home.weights and not same_shapes(shapes, stored, in_order=True):
            raise ConversionError(
                f"the layer {home.name!r} of the model wants {_shown(shapes)},"
                f" and {path!r} has {_shown(stored)}"
            )
        if shapes is None and top != home.path:
            raise _untold(home)
        still = len(own) - _STATISTICS if home.class_name == "BatchNormalization" else len(own)
        for number, tensor in enumerate(own):
            is_trained = home.is_trainable and number < still
            variable = home.variables[number] if len(home.variables) == len(own) else number
            # Two models within the model may each have a layer of one name.
            owner = "/".join(home.names[1:] or home.names)
            weight = Weight(f"{owner}/{variable}", owner, tensor)
            found.setdefault(top, []).append((is_trained, weight))
            del left[tensor.path]
        if any(each.startswith(f"{home.path}/") for each in left) and home.weights != {}:
            raise _untold(home)
    if left:
        raise ConversionError(f"the model has no layer for {next(iter(left))} of {path!r}")
    return [
        # A sort that keeps the order of equals: what is trained comes first.
        Layer(names[top], tuple(w for _, w in sorted(weights, key=lambda pair: not pair[0])))
        for top, weights in found.items()
    ]


def _own(tensors: Mapping[str, Tensor], group: str) -> list[Tensor]:
    own: list[Tensor] = []
    while (tensor := tensors.get(f"{group}/vars/{len(own)}")) is not None:
        own.append(tensor)
    return own


def _homes(config: Mapping[str, Any], path: str) -> list[ModelLayer]:
    homes = [layer for layer in layers_in(config) if layer.weights != {}]
    if not homes:
        raise ConversionError(
            f"the model's config for {path!r} lists no layers with weights",
            hint="the config of a subclassed model lists none; load it with your own code",
        )
    return homes


def _by_owner(layer: Layer) -> dict[str, list[Weight]]:
    found: dict[str, list[Weight]] = {}
    for weight in layer.weights:
        found.setdefault(weight.owner, []).append(weight)
    return found


def _find(homes: Sequence[ModelLayer], layer: str, owner: str, path: str) -> ModelLayer:
    """The layer of the config that weights belong to."""
    found = [home for home in homes if not layer or home.top == layer]
    if len(found) != 1 or found[0].path.count("/") > 1:
        # Names may be put in front by the models around a layer, and behind by its cells.
        parts = owner.split("/")
        found = [home for home in found if home.name in parts or home.name == owner]
        if len(found) > 1:
            # Two models within the model may each have a layer of one name.
            found = [each for each in found if _is_within(each.names[1:], parts)] or found
    if len(found) != 1:
        many = "several layers" if found else "no layer"
        raise ConversionError(
            f"the model has {many} that the weights of {owner!r} in {path!r} could belong to"
        )
    return found[0]


def _is_within(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether all names are among the parts, in their order."""
    rest = iter(parts)
    return all(name in rest for name in names)


def _group(home: ModelLayer) -> tuple[str, Sequence[tuple[int | None, ...]] | None]:
    """The group of a layer's variables, and their shapes, None if the config does not tell."""
    if home.weights is not None:
        ((group, shapes),) = home.weights.items()
        return group, shapes
    if home.is_simple:
        return home.path, None
    raise _untold(home)


def _untold(home: ModelLayer) -> ConversionError:
    return ConversionError(
        f"a {home.class_name}, as {home.name!r}, keeps its weights in parts whose order in the"
        " other format is not known",
        hint="load the model with Keras, and save it again",
    )


def _shown(shapes: Sequence[tuple[int | None, ...]]) -> str:
    return ", ".join(str(shape).replace("None", "?") for shape in shapes) or "no weights"
