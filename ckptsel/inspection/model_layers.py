"""The layers of a Keras model config: where Keras 3 looks for their weights, in which shapes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ckptsel.formats.keras.config import snake_case
from ckptsel.inspection.layer_shapes import (
    MUST_HAVE,
    RECURRENT,
    SHAPES,
    TRAINED,
    WITHOUT,
    WITHOUT_BEGIN,
    variables,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckptsel.inspection.layer_names import Names
    from ckptsel.inspection.layer_shapes import Shape

_DEEPEST = 200  # so many slashes; nobody nests models a hundred deep, but a file may say so


_SIMPLE = frozenset({"LayerNormalization", "GroupNormalization", "PReLU", "EinsumDense"})


@dataclass(frozen=True, slots=True)
class ModelLayer:
    """A layer that a config lists.

    Attributes:
        path: its group in a Keras 3 weights file, `layers/dense_1`.
        names: what the user or Keras called it, behind the names of the models that it is in.
        class_name: its class.
        weights: path of a group of weights → the shapes in it, as far as the config tells them;
            empty for a layer without weights, None where the class is not known.
        fields: its own config.
        is_trainable: whether neither it nor a model around it is frozen.
        is_keras: whether its class is Keras's own.
        plain: the shapes that it would have, were it not quantized; () if it is not.
    """

    path: str
    names: Names
    class_name: str
    weights: Mapping[str, tuple[Shape, ...]] | None
    fields: Mapping[str, Any]
    is_trainable: bool = True
    is_keras: bool = True
    plain: tuple[Shape, ...] = ()

    @property
    def name(self) -> str:
        """Its own name."""
        return self.names[-1]

    @property
    def top(self) -> str:
        """The name of the layer of the outermost model that it is, or is in."""
        return self.names[0]

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of its weights, where their shapes do not tell them apart."""
        return variables(self.class_name, self.fields) if self.is_keras else ()

    @property
    def must_have_weights(self) -> bool:
        """Whether it cannot be without weights."""
        if self.class_name == "TimeDistributed":
            return _mapping(self.fields.get("layer")).get("class_name") in MUST_HAVE
        return self.is_keras and self.class_name in MUST_HAVE

    @property
    def is_trained_only(self) -> bool | None:
        """Whether all its weights are trained unless it is frozen; None if that is not known."""
        inner = _mapping(self.fields.get("layer"))
        name = self.class_name
        if name in ("Bidirectional", "TimeDistributed"):
            if _mapping(inner.get("config")).get("trainable", True) is not True:
                return None
            name = str(inner.get("class_name"))
        return True if self.is_keras and name in TRAINED else None

    @property
    def inside(self) -> Names:
        """All names in its config, such as those of the layers in it, in their order."""
        found: list[str] = []
        todo: list[object] = [self.fields]
        while todo:
            node = todo.pop()
            if isinstance(node, dict):
                name = _mapping(node.get("config")).get("name")
                if isinstance(name, str) and "class_name" in node:
                    found.append(name)
                todo.extend(reversed(node.values()))
            elif isinstance(node, list):
                todo.extend(reversed(node))
        return tuple(found)

    @property
    def lora_rank(self) -> int:
        """Of the low-rank pair that stands beside its kernel; 0 if there is none."""
        rank = self.fields.get("lora_rank")
        return rank if isinstance(rank, int) and rank > 0 else 0

    @property
    def is_simple(self) -> bool:
        """Whether it holds all its variables itself, though their shapes are not known."""
        is_plain = self.is_keras and not self.is_quantized and not self.lora_rank
        return is_plain and self.class_name in _SIMPLE

    @property
    def is_quantized(self) -> bool:
        """Whether its weights are not those that its class usually has."""
        policy = _mapping(self.fields.get("dtype"))
        is_so = bool(self.fields.get("quantization_config"))
        return is_so or "Quantized" in str(policy.get("class_name"))


def layers_in(config: Mapping[str, Any] | None) -> Iterator[ModelLayer]:
    """The layers of a Sequential or Functional model, nested ones where they stand.

    Groups are called by class, in snake case, with a counter. Source: `_load_container_state` in
    keras/src/saving/saving_lib.py. Nothing comes from a config that lists no layers, as that of
    a subclassed model.
    """
    return _layers(config, "", (), is_trainable=True)


def _layers(
    config: Mapping[str, Any] | None, prefix: str, names: Names, *, is_trainable: bool
) -> Iterator[ModelLayer]:
    used: Counter[str] = Counter()
    for layer in _listed(config):
        class_name = layer["class_name"].rpartition(">")[2]
        snake = snake_case(class_name)
        path = f"{prefix}layers/{snake}" + (f"_{used[snake]}" if used[snake] else "")
        used[snake] += 1
        fields = _mapping(layer.get("config"))
        chain = (*names, str(fields.get("name", "")))
        trained = is_trainable and fields.get("trainable", True) is not False
        if _listed(layer) and path.count("/") < _DEEPEST:
            yield ModelLayer(path, chain, class_name, {}, fields, trained)
            yield from _layers(layer, path + "/", chain, is_trainable=trained)
        else:
            own = _is_keras(layer)
            found = ModelLayer(path, chain, class_name, None, fields, trained, own)
            plain = _shapes(layer, found) if found.is_quantized else None
            yield replace(found, weights=_weights(layer, found), plain=plain or ())


def _listed(config: object) -> list[dict[str, Any]]:
    layers = _mapping(_mapping(config).get("config")).get("layers")
    return [
        layer
        for layer in (layers if isinstance(layers, list) else ())
        if isinstance(layer, dict) and isinstance(layer.get("class_name"), str)
    ]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_keras(layer: Mapping[str, Any]) -> bool:
    """Whether the class is Keras's own, and not somebody's who called it by the same name."""
    if ">" in layer["class_name"]:
        return False
    if "module" not in layer:
        return True  # as Keras 2 writes them
    module, registered = layer["module"], layer.get("registered_name")
    if isinstance(module, str):
        return module.partition(".")[0] in ("keras", "tf_keras")
    return registered is None


def _weights(layer: Mapping[str, Any], found: ModelLayer) -> Mapping[str, tuple[Shape, ...]] | None:
    if not found.is_keras:
        return None
    name = found.class_name
    if name in WITHOUT or name.startswith(WITHOUT_BEGIN):
        return {}
    if str(layer.get("module")).startswith("keras.src.ops."):
        return {}  # `x + y` on tensors of Keras is a layer without weights
    if found.is_quantized:
        return None
    shapes = _shapes(layer, found)
    if not shapes:
        return None if shapes is None else {}
    return {found.path + ("/cell" if name in RECURRENT else ""): shapes}


def _shapes(layer: Mapping[str, Any], found: ModelLayer) -> tuple[Shape, ...] | None:
    known = SHAPES.get(found.class_name) if found.is_keras else None
    shape = _mapping(layer.get("build_config")).get("input_shape")
    inputs = tuple(shape) if isinstance(shape, list) else ()
    try:
        return known(found.fields, inputs) if known else None
    except (TypeError, ValueError, KeyError, IndexError):
        return None  # a config is a stranger's, and may hold anything
