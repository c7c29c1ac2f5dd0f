"""A checkpoint against a model: both are opened, and their layers laid out to be matched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ckptsel.errors import UnknownFormatError, UsageError
from ckptsel.formats import format_of, open_contents
from ckptsel.formats.strict_json import read_object
from ckptsel.inspection.fitting import Place, fit
from ckptsel.inspection.inspect import layers_of
from ckptsel.inspection.model_layers import layers_in
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckptsel.formats.contents import Contents, Tensor
    from ckptsel.inspection.fitting import Fit
    from ckptsel.inspection.model_layers import Shape

_BY_PATH = ("keras", "weights.h5", "sharded weights")
_BY_ORDER = "h5"
# TensorFlow stores each variable under the shortest way to it, far from the others of its layer.
_SCATTERED = ("tf-checkpoint", "savedmodel")


class Model:
    """What weights are to be loaded into: a checkpoint, or a config from `model.to_json()`.

    Args:
        path: its file.
        config: what it describes the model with, if that alone counts.

    Attributes:
        path: its file.
        kind: its format; "" for a config.

    Raises:
        LocationNotFoundError, UnknownFormatError, DamagedError: if it cannot be read.
        UsageError: if it tells nothing of layers.
    """

    def __init__(self, path: str, config: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self.kind = ""
        self._places: list[Place] = []
        self._shapes: dict[str, tuple[Shape, ...]] = {}
        if config is None:
            config = self._opened()
        self._listed = list(layers_in(config))
        if not self._places and not self._listed:
            raise UsageError(
                f"{path!r} tells nothing of the layers",
                hint="the config of a subclassed model does not; give a saved model",
            )

    def _opened(self) -> Mapping[str, Any] | None:
        found = format_of(self.path)
        if found is None:
            return _config_of(self.path)
        self.kind = found.name
        with found.open(self.path) as contents:
            self._places = places_of(contents)
            self._shapes = _shapes_by_name(contents)
            return contents.config

    def fit(self, contents: Contents) -> Fit:
        """Whether the weights of an open checkpoint fit. Raises as `Contents.tensors` does."""
        file = places_of(contents)
        if contents.kind in _BY_PATH and (self.kind in _BY_PATH or self._listed):
            return fit(self._by_path(), file, "path")
        if contents.kind == _BY_ORDER and (self.kind == _BY_ORDER or self._listed):
            return fit(self._by_order(), file, "order")
        found = fit(self._by_order() if self._listed else self._places, file, "name")
        if contents.kind in _BY_PATH or contents.kind == _BY_ORDER:
            says = f"{self.path!r} does not tell the layers' classes and order: compared by name"
        else:
            says = f"Keras 3 does not load {contents.kind} itself: compared by name and shape"
        return replace(found, notes=(says, *found.notes))

    def _by_path(self) -> list[Place]:
        if self.kind in _BY_PATH:
            return self._in_order()
        return [
            Place(
                path,
                layer.name if path == layer.path else "",
                layer.class_name,
                # Configs of Keras 2 do not tell what a layer was built on, the weights do.
                shapes and self._shapes.get(layer.name, shapes),
            )
            for layer in self._listed
            for path, shapes in (
                [(layer.path, None)] if layer.weights is None else layer.weights.items()
            )
        ]

    def _in_order(self) -> list[Place]:
        """The file's own groups, which HDF5 sorts by name, in the model's order."""
        order = {layer.path: number for number, layer in enumerate(self._listed)}
        classes = {layer.path: layer.class_name for layer in self._listed}
        places = [replace(place, class_name=classes.get(place.path, "")) for place in self._places]
        return sorted(places, key=lambda place: order.get(_listed_above(place.path, order), -1))

    def _by_order(self) -> list[Place]:
        """The layers as the HDF5 of Keras 2 has them: a nested model is one layer."""
        if self.kind == _BY_ORDER:
            return self._places
        tops = {layer.path: layer for layer in self._listed if layer.path.count("/") == 1}
        listed = {layer.path for layer in self._listed}
        merged: dict[str, Place] = {}
        for place in self._by_path():
            top = _listed_above(place.path, tops, last=False)
            layer = tops.get(top)
            name = layer.name if layer else place.name
            before = merged.get(top, Place(top, name, layer.class_name if layer else ""))
            merged[top] = replace(
                before,
                shapes=_joined(before.shapes, place.shapes),
                is_merged=top in merged,
                # Only the config's order is the model's.
                inner=(*before.inner, place.name if place.path in listed else ""),
            )
        return list(merged.values())


def places_of(contents: Contents) -> list[Place]:
    """The layers with weights that a checkpoint holds.

    Raises:
        DamagedError: if its tensors cannot be listed.
    """
    weights = [tensor for tensor in contents.tensors if tensor.role == "weight"]
    by_name = contents.kind == _BY_ORDER or contents.kind in _SCATTERED
    if not by_name or not all(tensor.layer for tensor in weights):
        return [
            Place(layer.path, layer.name, "", tuple(tensor.shape for tensor in layer.tensors))
            for layer in layers_of(weights)
        ]
    # A nested model is one layer of Keras 2, and its weights stand in several groups.
    found: dict[str, list[Tensor]] = {}
    for tensor in weights:
        found.setdefault(tensor.layer, []).append(tensor)
    return [
        Place(
            "",
            name,
            shapes=tuple(tensor.shape for tensor in tensors),
            inner=tuple(dict.fromkeys(_inner_name(tensor) for tensor in tensors)),
        )
        for name, tensors in found.items()
    ]


def _shapes_by_name(contents: Contents) -> dict[str, tuple[Shape, ...]]:
    """The shapes of the innermost layers, by their names."""
    found: dict[str, dict[str, tuple[Shape, ...]]] = {}
    for tensor in contents.tensors:
        if tensor.role == "weight":
            group = tensor.path.rpartition("/")[0]
            groups = found.setdefault(_inner_name(tensor), {})
            groups[group] = (*groups.get(group, ()), tensor.shape)
    # Two nested models may each have a layer of that name.
    return {name: next(iter(groups.values())) for name, groups in found.items() if len(groups) == 1}


def _inner_name(tensor: Tensor) -> str:
    return tensor.path.split("/")[-2] if "/" in tensor.path else ""


def against(model: Model, path: str) -> Fit:
    """Whether a checkpoint's weights fit into a model.

    Raises:
        LocationNotFoundError, UnknownFormatError, DamagedError: if it cannot be read.
    """
    with open_contents(path) as contents:
        return model.fit(contents)


def _listed_above(path: str, known: Mapping[str, object], *, last: bool = True) -> str:
    """The layer that a group belongs to: the longest known path above it, or the shortest."""
    parts = path.split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    found = [one for one in above if one in known]
    return (found[-1] if last else found[0]) if found else path


def _joined(one: Sequence[Shape] | None, other: Sequence[Shape] | None) -> tuple[Shape, ...] | None:
    return None if one is None or other is None else (*one, *other)


def _config_of(path: str) -> Mapping[str, Any]:
    with open_regular(path) as file:
        is_json = file.read(64).lstrip().startswith(b"{")
    config = read_object(path) if is_json else {}
    if not isinstance(config.get("class_name"), str):
        raise UnknownFormatError(
            f"{path!r} is neither a checkpoint nor a model's config",
            hint="a config is what model.to_json() gives",
        )
    return config
