"""Weights by layer, in the model's order: what Keras 2's HDF5 and TensorFlow's object graph tell.

Between these and the paths of Keras 3 stands the model's config: see `keras_paths`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.conversion.cargo import listed
from ckptsel.conversion.layer import Layer, Weight
from ckptsel.conversion.object_graph import layers_in_graph
from ckptsel.errors import ConversionError, DamagedError
from ckptsel.formats.keras.legacy import TOP_LEVEL, KerasLegacy
from ckptsel.formats.tensorflow.v2 import TensorFlowV2

if TYPE_CHECKING:
    from ckptsel.formats.contents import Contents, Tensor

LAYERED = ("h5", "tf-checkpoint")
"""The formats that are laid out so, by `Contents.kind`."""


@dataclass(frozen=True, slots=True)
class Layered:
    """All the weights of a model.

    Attributes:
        layers: in the model's order; those without weights may be missing.
        optimizer_bytes: of the optimizer's state, which has no place here.
        written_by: `keras_version` and `backend`, where they are known.
    """

    layers: tuple[Layer, ...]
    optimizer_bytes: int = 0
    written_by: tuple[tuple[str, str], ...] = ()


def layers_of(contents: Contents, path: str) -> Layered:
    """The weights of an open checkpoint, by layer.

    Args:
        contents: HDF5 of Keras 2, or a checkpoint of TensorFlow.
        path: its path.

    Raises:
        ConversionError: if it does not tell the layers or their order.
        DamagedError: if it cannot be read.
    """
    tensors = listed(contents, path)
    optimizer_bytes = sum(t.size_bytes for t in tensors if t.role == "optimizer")
    if isinstance(contents, TensorFlowV2):
        return Layered(layers_in_graph(contents, path), optimizer_bytes)
    assert isinstance(contents, KerasLegacy), "the table names only these"
    known = {tensor.path: tensor for tensor in tensors}
    layers = tuple(
        Layer(
            "" if name == TOP_LEVEL else name,
            tuple(_weight(known, contents, path, name, weight) for weight in weights),
        )
        for name, weights in contents.layout.items()
    )
    told = {weight.tensor.path for layer in layers for weight in layer.weights}
    untold = [t.path for t in tensors if t.role == "weight" and t.path not in told]
    if untold:
        raise ConversionError(f"{path!r} does not tell which layer {untold[0]} belongs to")
    return Layered(layers, optimizer_bytes, tuple(contents.written_by.items()))


def _weight(
    known: dict[str, Tensor], contents: KerasLegacy, path: str, layer: str, name: str
) -> Weight:
    tensor = known.get(f"{contents.prefix}{layer}/{name}")
    if tensor is None:
        raise DamagedError(f"{path!r} names {layer}/{name}, which is not there")
    return Weight(name, _owner(layer, name), tensor)


def _owner(layer: str, name: str) -> str:
    """The part of a weight's name that is a layer's; the whole is in `Weight.name`."""
    parts = name.split("/")[:-1]
    return "/".join(parts) or layer


def optimizer_left_out(path: str, why: str = "") -> Finding:
    """What is said where an optimizer's state cannot come along."""
    message = "the optimizer's state cannot be carried over, and is left out"
    message += f": {why}" if why else ""
    return Finding("optimizer-left-out", message, path)
