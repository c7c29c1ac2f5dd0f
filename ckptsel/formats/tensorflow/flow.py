"""Where the paths in a TensorFlow graph come from: a constant, an asset, or whoever calls it.

From TensorFlow's core/framework/graph.proto, node_def.proto, function.proto, op_def.proto, and
core/protobuf/meta_graph.proto, saved_object_graph.proto.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ckptsel.formats.tensorflow.protobuf_wire import Message, fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Fields of MetaGraphDef, GraphDef and NodeDef.
_GRAPH, _SAVER, _ASSETS = 2, 3, 6
_NODE, _LIBRARY = 1, 2
_NAME, _OP, _INPUT, _ATTRIBUTE = 1, 2, 3, 5
# Fields of SavedObjectGraph, SavedObject and AttrValue.
_NODES, _FUNCTIONS = 1, 2
_IS_ASSET = 5
_TENSOR, _FUNCTION = 8, 10

# Operations that hand their inputs on to functions: the first so many inputs only choose one.
_CALLS = {
    **dict.fromkeys(("PartitionedCall", "StatefulPartitionedCall", "While", "StatelessWhile"), 0),
    **dict.fromkeys(("If", "StatelessIf", "Case", "StatelessCase"), 1),
}

_ASSIGN = "AssignVariableOp"
_OF_VARIABLES = frozenset((_ASSIGN, "ReadVariableOp", "VarIsInitializedOp", "DestroyResourceOp"))

Source: TypeAlias = Literal["caller", "asset", "empty", "constant", "unknown"]


class _Call(NamedTuple):
    """Where a function is called from, and with which inputs; None if that is not known."""

    scope: str
    inputs: Sequence[str] | None


class Flow:
    """The graph of a MetaGraphDef and the functions in its library: "" and their names.

    Args:
        meta_graph: the MetaGraphDef.
        object_graph: the SavedObjectGraph in it.

    Raises:
        MalformedError: if it cannot be read; so do the methods.
    """

    def __init__(self, meta_graph: Message, object_graph: Message) -> None:
        self._graphs = meta_graph.parts(_GRAPH)
        self._objects = object_graph
        self._assets = {asset.message(1).text(1) for asset in meta_graph.messages(_ASSETS)}
        # What TensorFlow 1 feeds with the place to load from may be a constant.
        self._fed = meta_graph.message(_SAVER).text(1)
        self._functions: dict[str, memoryview | bytes] = {}
        self._calls: dict[str, list[_Call]] = {}
        self._scopes: dict[str, dict[str, tuple[str, list[str], bool]]] = {}
        self._users: dict[str, dict[str, list[tuple[str, list[str]]]]] = {}

    def nodes(self) -> Iterator[tuple[str, Message]]:
        """Every node with the scope that it is in; once, before anything is asked."""
        for graph in self._graphs:
            for number, value in fields(graph):
                if isinstance(value, int):
                    continue
                if number == _NODE:
                    yield self._met("", Message(value))
                elif number == _LIBRARY:
                    for function in Message(value).parts(1):
                        name = Message(function).message(1).text(1)
                        self._functions[name] = function
                        for part in Message(function).parts(3):
                            yield self._met(name, Message(part))

    def _met(self, scope: str, node: Message) -> tuple[str, Message]:
        """Take note of the functions that a node calls."""
        op = node.text(_OP)
        inputs = [each for each in node.texts(_INPUT) if not each.startswith("^")]
        # An operation may be a function itself, as TensorFlow 1 has it.
        self._calls.setdefault(op, []).append(_Call(scope, inputs))
        for entry in node.messages(_ATTRIBUTE):
            value = entry.message(2)
            if _FUNCTION in value:
                given = inputs[_CALLS[op] :] if op in _CALLS else None
                name = value.message(_FUNCTION).text(1)
                self._calls.setdefault(name, []).append(_Call(scope, given))
        return scope, node

    def is_given(self, scope: str, path: str) -> bool:
        """Whether the caller has a say in a path."""
        return "caller" in self._sources(scope, path)

    def is_asset(self, scope: str, path: str) -> bool:
        """Whether a path can only be that of an asset of the model."""
        return self._sources(scope, path) <= {"asset"}

    def is_empty(self, scope: str, path: str) -> bool:
        """Whether a path can only be none."""
        return self._sources(scope, path) <= {"empty"}

    def _sources(self, scope: str, path: str) -> set[Source]:
        """What a text is made of: all that leads to it, each part once, so that cycles end."""
        found: set[Source] = set()
        todo = [(scope, _node(path))]
        seen = set(todo)
        while todo:
            scope, name = todo.pop()
            op, inputs, is_empty = self._scope(scope).get(name, ("", [], False))
            here = not scope and f"{name}:0"
            if here and here in self._assets:
                found.add("asset")
            elif op.startswith("Placeholder") or (here and here == self._fed):
                found.add("caller")
            elif op == "Const":
                found.add("empty" if is_empty else "constant")
            else:
                if op == "VarHandleOp":
                    inputs = self._assigned(scope, name)
                further = [(scope, _node(each)) for each in inputs]
                if not op and name in self._arguments(scope):
                    more, further = self._given(scope, self._arguments(scope).index(name))
                    found |= more
                elif not further:
                    found.add("unknown")
                todo += [each for each in dict.fromkeys(further) if each not in seen]
                seen.update(further)
        return found

    def _assigned(self, scope: str, variable: str) -> list[str]:
        """What is assigned to a variable, by name; none if another operation may do so, too.

        TensorFlow 2 keeps the path of an asset in one.
        """
        if scope not in self._users:
            users: dict[str, list[tuple[str, list[str]]]] = {}
            self._users[scope] = users
            for op, inputs, _ in self._scope(scope).values():
                for each in dict.fromkeys(inputs):
                    users.setdefault(_node(each), []).append((op, inputs))
        found = self._users[scope].get(variable, [])
        if any(op not in _OF_VARIABLES for op, _ in found):
            return []
        return [inputs[1] for op, inputs in found if op == _ASSIGN and len(inputs) > 1]

    def _given(self, scope: str, place: int) -> tuple[set[Source], list[tuple[str, str]]]:
        """What a function's argument is called with."""
        found: set[Source] = set()
        further = []
        for call in self._calls.get(scope, ()):
            if call.inputs is None or place >= len(call.inputs):
                found.add("unknown")
            else:
                further.append((call.scope, _node(call.inputs[place])))
        # A function that Python calls has what it was defined with as its last arguments.
        bound = self._bound.get(scope)
        if bound is not None:
            first = len(self._arguments(scope)) - len(bound)
            if place < first:
                found.add("caller")
            else:
                found.add("asset" if self._is_asset_object(bound[place - first]) else "constant")
        return found, further

    def _scope(self, scope: str) -> dict[str, tuple[str, list[str], bool]]:
        """Name → operation, inputs, whether it is a constant without text; of one scope."""
        if scope not in self._scopes:
            found = {}
            for part in self._parts(scope):
                node = Message(part)
                op = node.text(_OP)
                inputs = [each for each in node.texts(_INPUT) if not each.startswith("^")]
                found[node.text(_NAME)] = op, inputs, op == "Const" and _is_empty(node)
            self._scopes[scope] = found
        return self._scopes[scope]

    def _parts(self, scope: str) -> list[bytes | memoryview]:
        if scope:
            return Message(self._functions[scope]).parts(3)
        return [part for graph in self._graphs for part in Message(graph).parts(_NODE)]

    def _arguments(self, scope: str) -> list[str]:
        if scope not in self._functions:
            return []
        signature = Message(self._functions[scope]).message(1)
        return [argument.text(1) for argument in signature.messages(2)]

    @cached_property
    def _bound(self) -> dict[str, list[int]]:
        """Function → the objects that it was defined with, as far as Python calls it."""
        found = {}
        for entry in self._objects.messages(_FUNCTIONS):
            numbers = entry.message(2).numbers(2)
            found[entry.text(1)] = numbers
        return found

    def _is_asset_object(self, number: int) -> bool:
        objects = self._objects.parts(_NODES)
        return number < len(objects) and _IS_ASSET in Message(objects[number])


def _node(path: str) -> str:
    """The node, or argument, that an input comes from: `name`, `name:0` or `name:output:0`."""
    return path.partition(":")[0]


def _is_empty(node: Message) -> bool:
    """Whether a constant is a text without characters."""
    for entry in node.messages(_ATTRIBUTE):
        if entry.text(1) == "value":
            tensor = entry.message(2).message(_TENSOR)
            return _TENSOR in tensor and not any(tensor.parts(_TENSOR))
    return False
