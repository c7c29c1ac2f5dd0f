"""Graphs of objects that no framework writes, as a stranger may: an answer, and soon."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from ckptsel.conversion.object_graph import layers_in_graph
from ckptsel.errors import ConversionError
from ckptsel.formats.contents import Tensor
from ckptsel.formats.tensorflow.graph import Node, ObjectGraph

if TYPE_CHECKING:
    from ckptsel.formats.tensorflow.v2 import TensorFlowV2

KEY = "kernel/.ATTRIBUTES/VARIABLE_VALUE"
LAYER = "layer_with_weights-"


def node(*children: tuple[int, str], key: str = "") -> Node:
    """One object: number and name of what hangs on it, and the key of its value."""
    return Node(children, ((key, "d/kernel"),) if key else (), (), ())


def contents(*nodes: Node) -> TensorFlowV2:
    """A checkpoint of one kernel with this graph."""
    graph = ObjectGraph(b"")
    graph.nodes = [*nodes]
    tensors = (Tensor(KEY, (1,), "float32", 4, role="weight"),)
    return cast("TensorFlowV2", SimpleNamespace(objects=lambda: graph, tensors=tensors))


def ladder(rungs: int) -> TensorFlowV2:
    """Each model has the next one twice, so that the last is reached in 2**rungs ways."""
    above = [node((n + 1, f"{LAYER}0"), (n + 1, f"{LAYER}1")) for n in range(rungs)]
    return contents(*above, node((rungs + 1, "kernel")), node(key=KEY))


def test_a_layer_in_two_places() -> None:
    """A layer may be shared: it counts in both."""
    assert len(layers_in_graph(ladder(1), "c")) == 2


def test_a_ladder() -> None:
    """1 KB that would take for ever to walk through is refused."""
    with pytest.raises(ConversionError, match="shared too often"):
        layers_in_graph(ladder(40), "c")


def test_a_long_chain() -> None:
    """A weight is found however far away it hangs, without a call for each object."""
    chain = [node((n + 1, "x")) for n in range(2, 5000)]
    with pytest.raises(ConversionError, match="order that is not known"):
        layers_in_graph(
            contents(
                node((1, f"{LAYER}0")),
                node((2, "odd")),
                *chain,
                node((5001, "kernel")),
                node(key=KEY),
            ),
            "c",
        )
