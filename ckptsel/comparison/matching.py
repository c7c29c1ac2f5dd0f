"""Which tensor of one checkpoint stands for which of another, whatever their formats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.formats.contents import Tensor

    Shape: TypeAlias = tuple[int, ...]
    Signature: TypeAlias = tuple[Shape, ...]

By: TypeAlias = Literal["path", "layer", "order"]

# What formats put around a variable's name: TensorFlow behind it, Keras 2 its output's number.
_AROUND = re.compile(r"/\.ATTRIBUTES/VARIABLE_VALUE$|:\d+$")
_NUMBER = re.compile(r"(\d+)")
# The order in which Keras's layers make their variables. Its own files number them in that
# order; TensorFlow's files name them, and sort the names.
_MADE = (
    "kernel",
    "depthwise_kernel",
    "pointwise_kernel",
    "recurrent_kernel",
    "embeddings",
    "gamma",
    "beta",
    "bias",
)
# A layer numbers what is trained first, and what is not behind it.
_NOT_TRAINED = ("moving_mean", "moving_variance", "seed_generator_state")


@dataclass(frozen=True, slots=True)
class Pair:
    """A tensor of A and the one of B that stands for the same.

    Attributes:
        a: the tensor of A.
        b: the tensor of B.
        by: what says so: the same path, a layer of the same name, or order and shape.
    """

    a: Tensor
    b: Tensor
    by: By


def match(
    a: Sequence[Tensor], b: Sequence[Tensor]
) -> tuple[list[Pair], list[Tensor], list[Tensor]]:
    """Pair tensors by path; what is left, by layer and shape.

    Formats name the same weight differently, and do not list layers in the same order: some
    sort their names. So layers are paired by their names where both files tell them, provided
    that the shapes agree. Of the rest, the layers with the same shapes are paired in their
    order, provided that there are as many in A as in B; otherwise it cannot be told which one
    is missing, and none is paired.

    Returns:
        The pairs in the order of A, what is only in A, what is only in B.
    """
    there = {tensor.path: tensor for tensor in b}
    pairs = [Pair(tensor, there[tensor.path], "path") for tensor in a if tensor.path in there]
    left_a, left_b = _left(a, b, pairs)
    pairs += _by_layer(_weights(left_a), _weights(left_b))
    pairs += _optimizers(_optimizer(left_a), _optimizer(left_b))
    only_a, only_b = _left(a, b, pairs)
    places = {tensor.path: place for place, tensor in enumerate(a)}
    return sorted(pairs, key=lambda pair: places[pair.a.path]), only_a, only_b


def _left(
    a: Iterable[Tensor], b: Iterable[Tensor], pairs: Iterable[Pair]
) -> tuple[list[Tensor], list[Tensor]]:
    of_a, of_b = {pair.a.path for pair in pairs}, {pair.b.path for pair in pairs}
    return [t for t in a if t.path not in of_a], [t for t in b if t.path not in of_b]


def _weights(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor.role == "weight"]


def _optimizer(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor.role == "optimizer"]


def _by_layer(a: list[Tensor], b: list[Tensor]) -> list[Pair]:
    layers_a, layers_b = _layers(a), _layers(b)
    pairs: list[Pair] = []
    for name in [name for name in layers_a if name in layers_b]:
        if _signature(layers_a[name]) == _signature(layers_b[name]):
            pairs += _paired(layers_a.pop(name), layers_b.pop(name), "layer")
    groups_a, groups_b = _by_signature(layers_a), _by_signature(layers_b)
    for signature, group in groups_a.items():
        counterparts = groups_b.get(signature, [])
        if len(group) == len(counterparts):
            for x, y in zip(group, counterparts, strict=True):
                pairs += _paired(x, y, "order")
    return pairs


def _layers(tensors: list[Tensor]) -> dict[str, list[Tensor]]:
    """The tensors by layer, layers and tensors in the order in which the model makes them."""
    found: dict[str, list[Tensor]] = {}
    for tensor in _in_order(tensors):
        # A path is no layer's name, so it must not look like one.
        found.setdefault(tensor.layer or f"{_leafless(tensor.path)}/", []).append(tensor)
    return {name: sorted(group, key=_made) for name, group in found.items()}


def _by_signature(layers: dict[str, list[Tensor]]) -> dict[Signature, list[list[Tensor]]]:
    found: dict[Signature, list[list[Tensor]]] = {}
    for group in layers.values():
        found.setdefault(_signature(group), []).append(group)
    return found


def _signature(tensors: Iterable[Tensor]) -> Signature:
    return tuple(tensor.shape for tensor in tensors)


def _paired(a: Sequence[Tensor], b: Sequence[Tensor], by: By) -> list[Pair]:
    return [Pair(x, y, by) for x, y in zip(a, b, strict=True)]


def _optimizers(a: list[Tensor], b: list[Tensor]) -> list[Pair]:
    """Optimizers' tensors, if the shapes agree one after the other.

    Keras keeps a counter, mostly a learning rate, then the slots in the order of the weights.
    Some formats leave the learning rate out, so scalars are paired apart.
    """
    a, b = _in_order(a), _in_order(b)
    slots_a, slots_b = ([tensor for tensor in side if tensor.shape] for side in (a, b))
    pairs = _paired(slots_a, slots_b, "order") if _signature(slots_a) == _signature(slots_b) else []
    for kind in ("int", "float"):
        one, other = (
            [tensor for tensor in side if not tensor.shape and tensor.dtype.startswith(kind)]
            for side in (a, b)
        )
        if len(one) == len(other):
            pairs += _paired(one, other, "order")
    return pairs


def _in_order(tensors: list[Tensor]) -> list[Tensor]:
    """The tensors in the model's order, as far as the file tells it.

    Where the file's order is that of the alphabet it tells nothing, but the numbers in the
    names do: dense, dense_1, …, dense_10.
    """
    paths = [tensor.path for tensor in tensors]
    is_sorted = paths == sorted(paths) or paths == sorted(paths, key=_natural)
    return sorted(tensors, key=lambda tensor: _natural(tensor.path)) if is_sorted else tensors


def _natural(path: str) -> list[list[tuple[int, str]]]:
    """Sorts by folder, then numbers by their value, so that `dense_2` precedes `dense_10`."""
    return [
        [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(folder)]
        for folder in path.split("/")
    ]


def _leafless(path: str) -> str:
    """A path without the variable's own name, which only some formats put behind a dot."""
    path = _AROUND.sub("", path)
    folder, slash, leaf = path.rpartition("/")
    if "." in leaf:
        return folder + slash + leaf.rpartition(".")[0]
    return folder.removesuffix("/vars")


def _made(tensor: Tensor) -> tuple[int, int]:
    """Sorts the variables of a layer in the order in which Keras makes them."""
    leaf = _AROUND.sub("", tensor.path).rpartition("/")[2].lstrip("_")
    if leaf.isdecimal():
        return 0, int(leaf)
    if leaf in _NOT_TRAINED:
        return 1, _NOT_TRAINED.index(leaf)
    return 0, _MADE.index(leaf) if leaf in _MADE else len(_MADE)
