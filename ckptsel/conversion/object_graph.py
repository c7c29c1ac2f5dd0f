"""The layers of a Keras model in the graph of objects that a TensorFlow checkpoint holds.

Keys are not looked at: TensorFlow names a variable by the shortest way to it, which may lead
through the optimizer. What decides is which object hangs on which, under which name.

Source: `_trackable_children` of Model in tf_keras/src/engine/training.py (`layer_with_weights-N`,
in the order of the layers), and `Functional` in keras/src/models/functional.py (`_operations`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckptsel.conversion.layer import Layer, Weight
from ckptsel.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.formats.contents import Tensor
    from ckptsel.formats.tensorflow.graph import Node, ObjectGraph
    from ckptsel.formats.tensorflow.v2 import TensorFlowV2

# The variables of layers whose order is known, trained and not: that in which they are made.
_TRAINED = (
    "kernel", "depthwise_kernel", "pointwise_kernel", "recurrent_kernel", "embeddings",
    "gamma", "beta", "bias",
)  # fmt: skip
_NOT_TRAINED = ("moving_mean", "moving_variance")
# What hangs on a layer, and has nothing to do with its weights.
_ASIDE = frozenset({"seed_generator", "_random_generator", "keras_api", "optimizer"})
_COUNTED = "layer_with_weights-"
_DEEPEST = 50
_MOST_TIMES = 4  # So often is the whole graph walked through at most.


def layers_in_graph(contents: TensorFlowV2, path: str) -> tuple[Layer, ...]:
    """The layers of the one Keras model in a checkpoint, in its order, with their weights.

    Raises:
        ConversionError: if there is no such model, more than one, or a layer whose variables
            come in an order that is not known.
    """
    graph = contents.objects()
    if graph is None:
        raise ConversionError(
            f"{path!r} holds no graph of objects, so nothing tells its layers and their order",
            hint="it was not written by tf.train.Checkpoint or Keras; .npz and .safetensors"
            " hold its values by name",
        )
    walk = _Walk(graph, {tensor.path: tensor for tensor in contents.tensors}, path)
    layers = tuple(walk.layers(walk.model()))
    taken = {weight.tensor.path for layer in layers for weight in layer.weights}
    left = [t.path for t in contents.tensors if t.role == "weight" and t.path not in taken]
    if left:
        raise ConversionError(
            f"{path!r} holds {left[0]}, which is of no layer of its model",
            hint=".npz and .safetensors hold all values by name",
        )
    return layers


class _Walk:
    """One way through a graph."""

    def __init__(self, graph: ObjectGraph, tensors: Mapping[str, Tensor], path: str) -> None:
        self._nodes = graph.nodes
        self._tensors = tensors
        self._path = path
        self._trained = {*_trained(graph)}
        self._above = {id(self._nodes[number]) for number in _above_weights(graph, tensors)}
        # Layers may be shared, but a file of 1 KB can share them until no end is in sight.
        self._steps_left = _MOST_TIMES * sum(1 + len(node.children) for node in graph.nodes)

    def model(self) -> Node:
        """The model: what was saved, or the only one that hangs on it."""
        root = self._nodes[0]
        if self._ordered(root):
            return root
        numbers = {number for number, name in root.children if name not in _ASIDE}
        found = [self._nodes[number] for number in sorted(numbers)]
        found = [node for node in found if self._ordered(node)]
        if len(found) == 1:
            return found[0]
        many = f"{len(found)} models" if found else "no model that tells the order of its layers"
        raise ConversionError(
            f"{self._path!r} holds {many}",
            hint="a model of Sequential or Functional tells it; .npz and .safetensors hold all"
            " values by name",
        )

    def _ordered(self, node: Node) -> list[Node]:
        """The layers of a model, in its order; none if it is no model, or does not tell."""
        children = {name: self._nodes[number] for number, name in node.children}
        counted = [children[name] for name in _counted(children)]
        if counted:
            return counted
        if "_functional" in children:
            children = self._children(children["_functional"])
        operations = self._children(children["_operations"]) if "_operations" in children else {}
        return [operations[name] for name in sorted(operations, key=_number)]

    def _children(self, node: Node) -> dict[str, Node]:
        return {name: self._nodes[number] for number, name in node.children}

    def layers(self, model: Node) -> Iterator[Layer]:
        """The layers with weights."""
        for node in self._ordered(model):
            parts = [*self._parts(node, 0)]
            weights = [weight for own in parts for weight in own]
            if len(parts) > 1:
                # A model within the model does not leave its own name.
                yield self._inner(weights)
            elif weights:
                yield Layer(weights[0].owner, tuple(weights))

    def _inner(self, weights: list[Weight]) -> Layer:
        """A model in the model: what is trained of all its layers comes before what is not.

        An optimizer holds something for each weight that it trains.
        """
        doubt = ""
        if not any(self._is_trained(weight) for weight in weights):
            doubt = (
                f"{self._path!r} holds a model in a model, and no optimizer's state that would tell"
                f" which of its layers are frozen, {weights[0].owner!r} for one"
            )
        ordered = sorted(weights, key=lambda w: _is_still(w) or not self._is_trained(w))
        return Layer("", tuple(ordered), doubt)

    def _is_trained(self, weight: Weight) -> bool:
        return weight.name.removesuffix(":0") in self._trained

    def _parts(self, node: Node, depth: int) -> Iterator[list[Weight]]:
        """The weights of a layer, or of each layer in it."""
        self._steps_left -= 1 + len(node.children)
        if self._steps_left < 0:
            raise ConversionError(
                f"{self._path!r} holds layers that are shared too often to be a model's",
                hint=".npz and .safetensors hold all values by name",
            )
        inner = self._ordered(node) if depth < _DEEPEST else []
        if inner:
            for below in inner:
                yield from self._parts(below, depth + 1)
            return
        own = [*self._own(node)]
        if own:
            yield own

    def _own(self, node: Node) -> Iterator[Weight]:
        """The variables of one layer, in the order in which it makes them."""
        found: dict[str, Weight] = {}
        children = self._children(node)
        cell = children.pop("cell", None)
        for name, child in (*children.items(), *(self._children(cell).items() if cell else ())):
            if name in _ASIDE:
                continue
            plain = name.lstrip("_")
            if not child.variables:
                # Parts of a layer, as the two directions of a Bidirectional, or the axis of a
                # normalization, which is a list and holds nothing.
                if id(child) in self._above:
                    raise self._untold(name)
                continue
            key, full_name = child.variables[0]
            if plain not in (*_TRAINED, *_NOT_TRAINED) or plain in found:
                raise self._untold(full_name or name)
            tensor = self._tensors.get(key)
            if tensor is None:
                raise ConversionError(f"{self._path!r} names {key}, which is not there")
            found[plain] = Weight(full_name + ":0", _owner(full_name, is_cell=bool(cell)), tensor)
        for name in (*_TRAINED, *_NOT_TRAINED):
            if name in found:
                yield found[name]

    def _untold(self, name: str) -> ConversionError:
        return ConversionError(
            f"{self._path!r} holds {name!r}, in a layer whose variables come in an order that"
            " is not known",
            hint="load the checkpoint with the code of the model, and save its weights again;"
            " .npz and .safetensors hold all values by name",
        )


def _above_weights(graph: ObjectGraph, tensors: Mapping[str, Tensor]) -> set[int]:
    """The numbers of the objects that hold a weight, or that such an object hangs on."""
    parents: dict[int, list[int]] = {}
    ahead: list[int] = []
    for number, node in enumerate(graph.nodes):
        for child, name in node.children:
            if name not in _ASIDE:
                parents.setdefault(child, []).append(number)
        keys = [key for key, _ in node.variables]
        if any(key in tensors and tensors[key].role == "weight" for key in keys):
            ahead.append(number)
    found = {*ahead}
    while ahead:
        further = [number for number in parents.get(ahead.pop(), ()) if number not in found]
        found.update(further)
        ahead += further
    return found


def _trained(graph: ObjectGraph) -> Iterator[str]:
    """The own names of the variables that an optimizer trains."""
    names = {number: name for number, node in enumerate(graph.nodes) for _, name in node.variables}
    # Two inner models may each have a layer of one name, and then a name tells nothing.
    unique = {name for name, count in Counter(names.values()).items() if count == 1}
    for node in graph.nodes:
        numbers = [*node.owners]  # tf_keras before 2.11, and its legacy optimizers
        children = {name: number for number, name in node.children}
        if node.is_optimizer and "_trainable_variables" in children:  # Keras 3
            numbers += [
                number for number, _ in graph.nodes[children["_trainable_variables"]].children
            ]
        yield from unique.intersection(names.get(number, "") for number in numbers)
        if node.is_optimizer and "_variables" in children:
            for number, _ in graph.nodes[children["_variables"]].children:
                # tf_keras puts its own names in front: `Adam/m/dense/kernel`
                slot = names.get(number, "").split("/")
                behind = ("/".join(slot[start:]) for start in range(1, len(slot)))
                yield from [name for name in behind if name in unique][:1]


def _counted(children: Mapping[str, Node]) -> Sequence[str]:
    found = [name for name in children if name.startswith(_COUNTED)]
    return sorted(found, key=lambda name: _number(name.removeprefix(_COUNTED)))


def _number(name: str) -> int:
    return int(name) if name.isdecimal() else -1


def _is_still(weight: Weight) -> bool:
    return weight.name.removesuffix(":0").rpartition("/")[2] in _NOT_TRAINED


def _owner(full_name: str, *, is_cell: bool) -> str:
    """The layer's name in that of its variable: behind it stand a cell, and the variable."""
    parts = full_name.split("/")[:-1]
    if is_cell and len(parts) > 1:
        parts.pop()
    return parts[-1] if parts else ""
