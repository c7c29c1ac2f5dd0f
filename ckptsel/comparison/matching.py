"""Which tensor of one checkpoint stands for which of another, whatever their formats."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.inspection.pairing import Group, natural
from ckptsel.inspection.pairing import pair as pair_layers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.formats.contents import Tensor

By: TypeAlias = Literal["path", "layer", "order"]

# What formats put around a variable's name: TensorFlow behind it, Keras 2 its output's number.
_AROUND = re.compile(r"/\.ATTRIBUTES/VARIABLE_VALUE$|:\d+$")
_DIGITS = 18
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
    "kernel_scale",
    "kernel_zero",
    "g_idx",
    "embeddings_scale",
)
# A layer numbers what is trained first, and what is not behind it.
_NOT_TRAINED = (
    "moving_mean",
    "moving_variance",
    "mean",
    "variance",
    "count",
    "seed_generator_state",
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A tensor of A and the one of B that stands for the same.

    Attributes:
        a: the tensor of A.
        b: the tensor of B.
        by: what says so: the same path, a layer of the same name, or order and shape.
        is_alone: false if only the order tells it from other weights of the same shape.
    """

    a: Tensor
    b: Tensor
    by: By
    is_alone: bool = True


@dataclass(frozen=True, slots=True)
class Matching:
    """What belongs together in A and B.

    Attributes:
        pairs: in the order of A.
        only_a: what is only in A.
        only_b: what is only in B.
        unsure: how many weights of `only_a` may have a counterpart: others of the same shapes
            are in B, but neither names nor order tell which.
    """

    pairs: list[Pair]
    only_a: list[Tensor]
    only_b: list[Tensor]
    unsure: int = 0


def match(
    a: Sequence[Tensor], b: Sequence[Tensor], *, ordered: tuple[bool, bool] = (False, False)
) -> Matching:
    """Pair tensors by path; what is left, by layer and shape.

    Formats name the same weight differently, and do not list layers in the same order: some
    sort their names. So layers are paired by their names where both files tell them, provided
    that the shapes agree. Of the rest, the layers with the same shapes are paired in their
    order, provided that there are as many in A as in B, and that the files have an order;
    otherwise it cannot be told which one is which, and none is paired.

    Args:
        a: the tensors of A.
        b: those of B.
        ordered: whether the order of A, and that of B, is known to be the model's.
    """
    there = {tensor.path: tensor for tensor in b}
    pairs = [Pair(tensor, there[tensor.path], "path") for tensor in a if tensor.path in there]
    left_a, left_b = _left(a, b, pairs)
    found, unsure = _by_layer(_weights(left_a), _weights(left_b), ordered)
    pairs += found
    pairs += _optimizers(_optimizer(left_a), _optimizer(left_b))
    only_a, only_b = _left(a, b, pairs)
    places = {tensor.path: place for place, tensor in enumerate(a)}
    return Matching(sorted(pairs, key=lambda pair: places[pair.a.path]), only_a, only_b, unsure)


def _left(
    a: Iterable[Tensor], b: Iterable[Tensor], pairs: Iterable[Pair]
) -> tuple[list[Tensor], list[Tensor]]:
    of_a, of_b = {pair.a.path for pair in pairs}, {pair.b.path for pair in pairs}
    return [t for t in a if t.path not in of_a], [t for t in b if t.path not in of_b]


def _weights(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor.role == "weight"]


def _optimizer(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor.role == "optimizer"]


def _by_layer(
    a: list[Tensor], b: list[Tensor], ordered: tuple[bool, bool]
) -> tuple[list[Pair], int]:
    layers_a, layers_b = _layers(a), _layers(b)
    groups = tuple([_group(layer) for layer in layers] for layers in (layers_a, layers_b))
    found = pair_layers(groups[0], groups[1], ordered=ordered)
    pairs: list[Pair] = []
    unsure = sum(len(layers_a[number]) for number in found.unsure)
    for one, other, by in found.pairs:
        x, y = layers_a[one], layers_b[other]
        if _is_vague(x, y):
            unsure += len(x)
        else:
            pairs += _of_one_layer(x, y, by, is_alone=one not in found.alike)
    return pairs, unsure


def _layers(tensors: list[Tensor]) -> list[list[Tensor]]:
    """The tensors by layer; those of a layer in the order in which the model makes them."""
    found: dict[object, list[Tensor]] = {}
    for tensor in tensors:
        is_grouped = "/vars/" in tensor.path or not tensor.owners
        found.setdefault(_leafless(tensor.path) if is_grouped else tensor.owners, []).append(tensor)
    return [sorted(group, key=_made) for group in found.values()]


def _group(layer: list[Tensor]) -> Group:
    first = layer[0]
    names = first.owners or ((first.layer,) if first.layer else ())
    return Group(_leafless(first.path), names, tuple(sorted(tensor.shape for tensor in layer)))


def _is_vague(a: list[Tensor], b: list[Tensor]) -> bool:
    """Whether weights of one shape stand in the order of names that mean nothing here."""
    if _by_variable(a, b):
        return False
    shapes = Counter(tensor.shape for tensor in a)
    return any(
        shapes[tensor.shape] > 1 and tensor.variable and not _is_usual(tensor.variable)
        for tensor in (*a, *b)
    )


def _by_variable(a: list[Tensor], b: list[Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """The weights of a layer by their own names, if both files tell the very same ones."""
    one, other = ({t.variable.lstrip("_"): t for t in side} for side in (a, b))
    if "" in one or set(one) != set(other) or not len(one) == len(a) == len(b):
        return {}
    if any(one[name].shape != other[name].shape for name in one):
        return {}
    return {name: (one[name], other[name]) for name in one}


def _of_one_layer(a: list[Tensor], b: list[Tensor], by: By, *, is_alone: bool) -> list[Pair]:
    named = _by_variable(a, b)
    if named:
        return [Pair(x, y, by, is_alone) for x, y in named.values()]
    # Formats may differ in the order of weights of different shapes.
    shapes = list(dict.fromkeys(tensor.shape for tensor in a))
    return [
        Pair(x, y, by, is_alone)
        for shape in shapes
        for x, y in zip(
            [tensor for tensor in a if tensor.shape == shape],
            [tensor for tensor in b if tensor.shape == shape],
            strict=True,
        )
    ]


def _optimizers(a: list[Tensor], b: list[Tensor]) -> list[Pair]:
    """Optimizers' tensors, if the shapes agree one after the other.

    Keras keeps a counter, mostly a learning rate, then the slots in the order of the weights.
    Some formats leave the learning rate out, so scalars are paired apart.
    """
    a, b = _in_order(a), _in_order(b)
    slots_a, slots_b = ([tensor for tensor in side if tensor.shape] for side in (a, b))
    pairs = _paired(slots_a, slots_b) if _shapes(slots_a) == _shapes(slots_b) else []
    for kind in ("int", "float"):
        one, other = (
            [tensor for tensor in side if not tensor.shape and tensor.dtype.startswith(kind)]
            for side in (a, b)
        )
        if len(one) == len(other):
            pairs += _paired(one, other)
    return pairs


def _shapes(tensors: Iterable[Tensor]) -> list[tuple[int, ...]]:
    return [tensor.shape for tensor in tensors]


def _paired(a: Sequence[Tensor], b: Sequence[Tensor]) -> list[Pair]:
    return [Pair(x, y, "order") for x, y in zip(a, b, strict=True)]


def _in_order(tensors: list[Tensor]) -> list[Tensor]:
    """The tensors in the model's order, as far as the file tells it.

    Where the file's order is that of the alphabet it tells nothing, but the numbers in the
    names do: dense, dense_1, …, dense_10.
    """
    paths = [tensor.path for tensor in tensors]
    is_sorted = paths == sorted(paths) or paths == sorted(paths, key=natural)
    return sorted(tensors, key=lambda tensor: natural(tensor.path)) if is_sorted else tensors


def _leafless(path: str) -> str:
    """A path without the variable's own name, which only some formats put behind a dot."""
    path = _AROUND.sub("", path)
    folder, slash, leaf = path.rpartition("/")
    if "." in leaf:
        return folder + slash + leaf.rpartition(".")[0]
    return folder.removesuffix("/vars")


def _leaf(tensor: Tensor) -> str:
    found = tensor.variable or _AROUND.sub("", tensor.path).rpartition("/")[2]
    return found.lstrip("_")


def _is_usual(variable: str) -> bool:
    return variable.lstrip("_") in (*_MADE, *_NOT_TRAINED)


def _made(tensor: Tensor) -> tuple[int, int]:
    """Sorts the variables of a layer in the order in which Keras makes them."""
    leaf = _leaf(tensor)
    if leaf.isdecimal():
        return 0, int(leaf[:_DIGITS])
    if leaf in _NOT_TRAINED:
        return 1, _NOT_TRAINED.index(leaf)
    return 0, _MADE.index(leaf) if leaf in _MADE else len(_MADE)
