"""The shapes of a layer's weights, as far as its config tells them, and how they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Shape: TypeAlias = "tuple[int | None, ...]"
"""A shape; None where a dimension is not known."""


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


def _separable(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> tuple[Shape, ...]:
    width, filters = _width(fields, inputs), int(fields["filters"])
    times, size = int(fields["depth_multiplier"]), tuple(map(int, fields["kernel_size"]))
    wide = None if width is None else width * times
    pointwise = (*(1 for _ in size), wide, filters)
    return _biased(fields, (*size, width, times), pointwise, bias=filters)


def _layer_norm(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> tuple[Shape, ...]:
    axis = fields.get("axis", -1)
    axes = sorted(map(int, axis)) if isinstance(axis, list) else [int(axis)]
    shape = tuple(inputs[one] if inputs else None for one in axes)
    return (shape,) * len(_norm_variables("LayerNormalization", fields))


def _group_norm(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> tuple[Shape, ...]:
    width = inputs[int(fields.get("axis", -1))] if inputs else None
    return ((width,),) * len(_norm_variables("GroupNormalization", fields))


def _p_relu(fields: Mapping[str, Any], inputs: tuple[Any, ...]) -> tuple[Shape, ...]:
    if not inputs:
        raise ValueError("it does not say what it was built on")
    shared = fields.get("shared_axes") or ()
    return (tuple(1 if axis in shared else inputs[axis] for axis in range(1, len(inputs))),)


def _norm_variables(class_name: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
    rms = bool(fields.get("rms_scaling"))
    found = ["gamma"] if fields.get("scale", True) or rms else []
    found += ["beta"] if fields.get("center", True) and not rms else []
    moving = ["moving_mean", "moving_variance"] if class_name == "BatchNormalization" else []
    return (*found, *moving)


SHAPES: dict[str, Callable[[Mapping[str, Any], tuple[Any, ...]], tuple[Shape, ...]]] = {
    "Dense": _dense,
    **{f"Conv{n}D": _convolution for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": _transposed for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _depthwise for n in (1, 2)},
    **{f"SeparableConv{n}D": _separable for n in (1, 2)},
    "Embedding": _embedding,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "PReLU": _p_relu,
    "LSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "SimpleRNN": _recurrent(1),
}
"""Class → from its config, and the shape that it was built on, to the shapes of its weights."""

RECURRENT = frozenset(("LSTM", "GRU", "SimpleRNN"))
"""Those whose weights are their cell's."""

WITHOUT = frozenset(
    (
        "Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average", "Concatenate",
        "Dot", "Dropout", "ELU", "Flatten", "GaussianDropout", "GaussianNoise", "Identity",
        "InputLayer", "Lambda", "LeakyReLU", "Masking", "Maximum", "Minimum", "Multiply", "Permute",
        "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing", "Softmax", "Subtract",
        "UnitNormalization",
    )
)  # fmt: skip
"""Layers without weights: whatever a file holds in their place is not theirs."""

WITHOUT_BEGIN = (
    "AveragePooling", "CenterCrop", "Cropping", "GlobalAveragePooling", "GlobalMaxPooling",
    "MaxPooling", "SpatialDropout", "UpSampling", "ZeroPadding",
    # What changes images by chance has a seed, which is no weight.
    "AugMix", "AutoContrast", "CutMix", "Equalization", "MixUp", "RandAugment", "RandomBrightness",
    "RandomColor", "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing",
    "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHeight", "RandomHue",
    "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation",
    "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomWidth",
    "RandomZoom", "Solarization",
)  # fmt: skip
"""Whole families of such layers, by what their names begin with."""

TRAINED = frozenset(
    (
        *(name for name in SHAPES if name != "BatchNormalization"), *RECURRENT, "EinsumDense",
        "MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention", "RNN", "LSTMCell",
        "GRUCell", "SimpleRNNCell", "StackedRNNCells", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D",
        "RMSNormalization", "Attention", "AdditiveAttention",
    )
)  # fmt: skip
"""Layers that have nothing but weights that are trained."""

MUST_HAVE = frozenset(
    (
        *(name for name in SHAPES if "Normalization" not in name), "BatchNormalization",
        "EinsumDense", "MultiHeadAttention", "Bidirectional", "GroupQueryAttention",
        "GroupedQueryAttention", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D",
        "SpectralNormalization", "RMSNormalization",
    )
)  # fmt: skip
"""Layers that never are without weights."""


NORM_VARIABLES = frozenset(("gamma", "beta", "moving_mean", "moving_variance"))
"""What `variables` may name."""


def variables(class_name: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a normalization's weights, which are all of one shape; () for other layers."""
    if class_name not in ("BatchNormalization", "LayerNormalization", "GroupNormalization"):
        return ()
    return _norm_variables(class_name, fields)
