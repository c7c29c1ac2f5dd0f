"""The layers of a Keras model config: where Keras 3 looks for their weights, in which shapes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ckptsel.formats.keras.config import snake_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Shape: TypeAlias = "tuple[int | None, ...]"
"""A shape; None where a dimension is not known."""


_DEEPEST = 200  # so many slashes; nobody nests models a hundred deep, but a file may say so


@dataclass(frozen=True, slots=True)
class ModelLayer:
    """A layer that a config lists.

    Attributes:
        path: its group in a Keras 3 weights file, `layers/dense_1`.
        name: as the user or Keras called it.
        class_name: its class.
        weights: path of a group of weights → the shapes in it, as far as the config tells them;
            empty for a layer without weights, None where the class is not known.
        top: the name of the layer of the outermost model that it is, or is in.
        is_trainable: whether neither it nor a model around it is frozen.
        is_simple: whether it holds all its variables itself, though their shapes are not known.
    """

    path: str
    name: str
    class_name: str
    weights: Mapping[str, tuple[Shape, ...]] | None
    top: str = ""
    is_trainable: bool = True
    is_simple: bool = False


def layers_in(config: Mapping[str, Any] | None) -> Iterator[ModelLayer]:
    """The layers of a Sequential or Functional model, nested ones where they stand.

    Groups are called by class, in snake case, with a counter. Source: `_load_container_state` in
    keras/src/saving/saving_lib.py. Nothing comes from a config that lists no layers, as that of
    a subclassed model.
    """
    return _layers(config, "", "", is_trainable=True)


def _layers(
    config: Mapping[str, Any] | None, prefix: str, top: str, *, is_trainable: bool
) -> Iterator[ModelLayer]:
    used: Counter[str] = Counter()
    for layer in _listed(config):
        class_name = layer["class_name"].rpartition(">")[2]
        snake = snake_case(class_name)
        path = f"{prefix}layers/{snake}" + (f"_{used[snake]}" if used[snake] else "")
        used[snake] += 1
        fields = _mapping(layer.get("config"))
        name = str(fields.get("name", ""))
        outer, trained = top or name, is_trainable and fields.get("trainable", True) is not False
        if _listed(layer) and path.count("/") < _DEEPEST:
            yield ModelLayer(path, name, class_name, {}, outer, trained)
            yield from _layers(layer, path + "/", outer, is_trainable=trained)
        else:
            weights = _weights(layer, class_name, path)
            simple = class_name in _SIMPLE and _is_plain(layer)
            yield ModelLayer(path, name, class_name, weights, outer, trained, simple)


def _listed(config: object) -> list[dict[str, Any]]:
    layers = _mapping(_mapping(config).get("config")).get("layers")
    return [
        layer
        for layer in (layers if isinstance(layers, list) else ())
        if isinstance(layer, dict) and isinstance(layer.get("class_name"), str)
    ]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _weights(
    layer: Mapping[str, Any], class_name: str, path: str
) -> Mapping[str, tuple[Shape, ...]] | None:
    if not _is_kerass(layer):
        return None  # somebody's own class of a known name
    if class_name in _WITHOUT or class_name.startswith(_WITHOUT_BEGIN):
        return {}
    known = _KNOWN.get(class_name)
    fields = _mapping(layer.get("config"))
    if known is None or not _is_plain(layer):
        return None
    shape = _mapping(layer.get("build_config")).get("input_shape")
    inputs = tuple(shape) if isinstance(shape, list) else ()
    try:
        found = known(fields, inputs)
    except (TypeError, ValueError, KeyError, IndexError):
        return None  # a config is a stranger's, and may hold anything
    inner = "/cell" if class_name in _RECURRENT else ""
    return {path + inner: found}


def _is_kerass(layer: Mapping[str, Any]) -> bool:
    module = layer.get("module")
    return not isinstance(module, str) or module.partition(".")[0] == "keras"


def _is_plain(layer: Mapping[str, Any]) -> bool:
    """Whether it is a layer of Keras's that holds what its class says, and nothing besides."""
    fields = _mapping(layer.get("config"))
    # LoRA's further weights stand in the HDF5 of Keras 2, and not in the files of Keras 3.
    return _is_kerass(layer) and not _is_quantized(fields) and not fields.get("lora_rank")


def _is_quantized(fields: Mapping[str, Any]) -> bool:
    policy = _mapping(fields.get("dtype"))
    return bool(fields.get("quantization_config")) or "Quantized" in str(policy.get("class_name"))


def _width(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> int | None:
    """The number of channels that come in; None if the layer does not say what it was built on."""
    at = 1 if fields.get("data_format") == "channels_first" else -1
    width = inputs[at] if inputs else None
    return int(width) if width is not None else None


def _biased(fields: Mapping[str, Any], *shapes: Shape, bias: int | None) -> tuple[Shape, ...]:
    return (*shapes, (bias,)) if fields.get("use_bias", True) else shapes


def _dense(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> tuple[Shape, ...]:
    units = int(fields["units"])
    return _biased(fields, (_width(fields, inputs), units), bias=units)


def _convolution(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> tuple[Shape, ...]:
    width, filters = _width(fields, inputs), int(fields["filters"])
    inner = None if width is None else width // int(fields.get("groups", 1))
    return _biased(fields, (*map(int, fields["kernel_size"]), inner, filters), bias=filters)


def _transposed(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> tuple[Shape, ...]:
    width, filters = _width(fields, inputs), int(fields["filters"])
    return _biased(fields, (*map(int, fields["kernel_size"]), filters, width), bias=filters)


def _depthwise(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> tuple[Shape, ...]:
    width, times = _width(fields, inputs), int(fields["depth_multiplier"])
    bias = None if width is None else width * times
    return _biased(fields, (*map(int, fields["kernel_size"]), width, times), bias=bias)


def _embedding(fields: Mapping[str, Any], _: tuple[Any, ...]) -> tuple[Shape, ...]:
    return ((int(fields["input_dim"]), int(fields["output_dim"])),)


def _batch_norm(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> tuple[Shape, ...]:
    if fields.get("renorm"):
        raise ValueError("batch renormalisation of Keras 2 has further weights")
    axis = fields.get("axis", -1)
    # Keras 2 has a list of one.
    width = inputs[int(axis[0] if isinstance(axis, list) else axis)] if inputs else None
    return ((width,),) * (2 + bool(fields.get("scale", True)) + bool(fields.get("center", True)))


def _recurrent(gates: int) -> Callable[[Mapping[str, Any], tuple[Any, ...]], tuple[Shape, ...]]:
    def shapes(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> tuple[Shape, ...]:
        units, width = int(fields["units"]), inputs[-1] if inputs else None
        found: tuple[Shape, ...] = ((width, gates * units), (units, gates * units))
        if not fields.get("use_bias", True):
            return found
        twice = fields.get("reset_after", False)  # only a GRU has it
        return (*found, (2, gates * units) if twice else (gates * units,))

    return shapes


_KNOWN: dict[str, Callable[[Mapping[str, Any], tuple[Any, ...]], tuple[Shape, ...]]] = {
    "Dense": _dense,
    **{f"Conv{n}D": _convolution for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": _transposed for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _depthwise for n in (1, 2)},
    "Embedding": _embedding,
    "BatchNormalization": _batch_norm,
    "LSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "SimpleRNN": _recurrent(1),
}
# Layers that hold all their variables themselves, and whose shapes the config does not tell.
_SIMPLE = frozenset({"LayerNormalization", "GroupNormalization", "PReLU", "EinsumDense"})
_RECURRENT = ("LSTM", "GRU", "SimpleRNN")
# Layers without weights: whatever a file holds in their place is not theirs.
_WITHOUT = frozenset(
    (
        "Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average", "Concatenate",
        "Dot", "Dropout", "ELU", "Flatten", "GaussianDropout", "GaussianNoise", "Identity",
        "InputLayer", "Lambda", "LeakyReLU", "Masking", "Maximum", "Minimum", "Multiply", "Permute",
        "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing", "Softmax", "Subtract",
    )
)  # fmt: skip
_WITHOUT_BEGIN = (
    "AveragePooling", "CenterCrop", "Cropping", "GlobalAveragePooling", "GlobalMaxPooling",
    "MaxPooling", "SpatialDropout", "UpSampling", "ZeroPadding",
)  # fmt: skip
KNOWN_CLASSES = (*_KNOWN, "EinsumDense", "LayerNormalization", "GroupNormalization", "PReLU",
    "MultiHeadAttention", "Bidirectional", "TimeDistributed", "SeparableConv2D", "Sequential",
    "Functional", "Model")  # fmt: skip
"""Classes that have weights, and are common; only of some are the shapes known."""
