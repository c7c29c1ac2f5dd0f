"""Tells weights from the optimizer's state in TensorFlow checkpoints.

Object-based checkpoints hold the graph of Python objects that was saved (core/protobuf/
trackable_object_graph.proto). Keys alone mislead: Keras 3 tracks the model's kernels from its
optimizer, too, and TensorFlow names a variable by the shortest way to it, which may well be
`optimizer/_trainable_variables/0`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.formats.tensorflow.protobuf_wire import MalformedError, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.formats.contents import TensorRole

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"

_OTHER = re.compile(
    rf"""
    ^{GRAPH_KEY}$
    | (^|/)(save_counter|global_step|step|epoch)(/\.ATTRIBUTES/VARIABLE_VALUE)?$
    | (^|/)keras_api/metrics/
    | /ExponentialMovingAverage$           # averages of weights, beside the weights
    | /\.ATTRIBUTES/(?!VARIABLE_VALUE$)    # a config or an iterator
    """,
    re.VERBOSE,
)
# Of checkpoints without a graph: the slots of TensorFlow 1's optimizers follow the variable's
# name, a number keeps them apart.
_OPTIMIZER = re.compile(
    r"""
    optimizer[^/]*/(?!_trainable_variables/)
    | (^|/)_(iterations|learning_rate)/\.ATTRIBUTES/
    | /\.OPTIMIZER_SLOT/
    | /(Adam|AdaMax|Adagrad|Adadelta|AdagradDA|Ftrl|Momentum|RMSProp|LAMB|adam_[mv])(_\d+)?$
    | (^|/)beta[12]_power(_\d+)?$
    """,
    re.VERBOSE,
)
# What hangs on a model and is neither its weight nor the optimizer's state. Keras 3's export
# writes every variable twice, the second time under _all_variables.
_ASIDE = {
    *("save_counter", "metrics", "_metrics", "layer_metrics", "_compile_metrics"),
    *("_loss_tracker", "_all_variables", "seed_generator", "_random_generator"),
}
_FRAMEWORKS = (
    ("keras 3", re.compile(r"_trainable_variables_indices|call_signature_parameters|_misc_assets")),
    ("keras 2", re.compile(r"layer_with_weights-\d+|_index_dict")),
)


@dataclass(frozen=True, slots=True)
class Node:
    """One object of the graph.

    Attributes:
        children: number of the object and its name, as an attribute of this one.
        variables: key in the checkpoint and own name of each value.
        slots: the numbers of variables that an optimizer keeps for others.
        owners: the numbers of those others.
    """

    children: tuple[tuple[int, str], ...]
    variables: tuple[tuple[str, str], ...]  # its key in the checkpoint, its own name
    slots: tuple[int, ...]
    owners: tuple[int, ...]

    @classmethod
    def of(cls, proto: Message) -> Node:
        """The object in a TrackableObject."""
        return cls(
            tuple((child.number(1), child.text(2)) for child in proto.messages(1)),
            tuple((value.text(3), value.text(2)) for value in proto.messages(2)),
            tuple(slot.number(3) for slot in proto.messages(3)),
            tuple(slot.number(1) for slot in proto.messages(3)),
        )

    @property
    def is_optimizer(self) -> bool:
        """Whether it looks like an optimizer."""
        names = {name for _, name in self.children}
        return bool(self.slots or "_iterations" in names or names >= {"iter", "learning_rate"})


class ObjectGraph:
    """What a checkpoint's own graph of objects says of its variables.

    Attributes:
        framework: what wrote it, as far as the graph shows it.
        nodes: the objects; the first is what was saved.

    Raises:
        MalformedError: if the bytes are no such graph.
    """

    def __init__(self, data: bytes) -> None:
        self.nodes = [Node.of(node) for node in Message(data).messages(1)]
        edges = {name for node in self.nodes for _, name in node.children}
        self.framework = "tensorflow"
        for framework, mark in _FRAMEWORKS:
            if any(map(mark.fullmatch, edges)):
                self.framework = framework
                break
        self._names: dict[str, str] = {}
        self._roles: dict[str, TensorRole] = {}
        roles = self._node_roles() if self.nodes else {}
        for number, node in enumerate(self.nodes):
            for key, name in node.variables:
                self._names[key] = name
                self._roles[key] = roles.get(number, "other")

    def _node_roles(self) -> dict[int, TensorRole]:
        # A variable may be reached from the model and from the optimizer: then it is a weight.
        rank: dict[TensorRole, int] = {"other": 0, "optimizer": 1, "weight": 2}
        best: dict[int, TensorRole] = {}
        waiting: list[tuple[int, TensorRole]] = [(0, "weight")]
        while waiting:
            number, role = waiting.pop()
            if number >= len(self.nodes):
                raise MalformedError("its graph of objects refers to an object that is not there")
            if number in best and rank[best[number]] >= rank[role]:
                continue
            best[number] = role
            waiting.extend(self._children(number, role))
        for node in self.nodes:
            best.update(dict.fromkeys(node.slots, "optimizer"))
        return best

    def _children(self, number: int, role: TensorRole) -> Iterator[tuple[int, TensorRole]]:
        node = self.nodes[number]
        in_optimizer = role != "other" and node.is_optimizer
        for child, name in node.children:
            if name in _ASIDE:
                yield child, "other"
            elif name == "_trainable_variables" and role == "optimizer":
                yield child, "weight"
            elif in_optimizer or (role != "other" and "optimizer" in name.lower()):
                yield child, "optimizer"
            else:
                yield child, role

    def role(self, key: str) -> TensorRole | None:
        """What a variable is; None if the graph does not know that key."""
        if "seed_generator" in self._names.get(key, ""):
            return "other"
        return self._roles.get(key)

    def names(self, key: str) -> tuple[tuple[str, ...], str]:
        """The scopes of a variable and its own name; both empty if unknown."""
        *owners, variable = self._names.get(key, "").split("/")
        return tuple(owners), variable.partition(":")[0]

    def layer(self, key: str) -> str:
        """The layer that a variable belongs to, by the variable's own name; "" if unknown."""
        parts = self._names.get(key, "").split("/")
        return parts[-2] if len(parts) > 1 else ""


def role_of(key: str, graph: ObjectGraph | None) -> TensorRole:
    """What a tensor is: by the graph if there is one, and by its key otherwise."""
    if _OTHER.search(key):
        return "other"
    role = graph.role(key) if graph else None
    return role or ("optimizer" if _OPTIMIZER.search(key) else "weight")
