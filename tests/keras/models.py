"""Models whose weights are told apart by their values, and how they are saved."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def dense(keras: Any, names: str = "ab", *, units: int = 4, dtype: str = "float32") -> Any:
    """Layers one after the other, each of the same shape."""
    layers = [keras.layers.Dense(units, name=name, dtype=dtype) for name in names]
    return keras.Sequential([keras.layers.Input((units,)), *layers])


def branching(keras: Any) -> Any:
    """Layers of many kinds, among them a nested model."""
    layers = keras.layers
    inputs = layers.Input((5, 4))
    found = layers.MultiHeadAttention(2, 3, name="attention")(inputs, inputs)
    found = layers.Bidirectional(layers.LSTM(3), name="both")(found)
    found = layers.BatchNormalization(name="norm")(found)
    inner = [layers.Dense(4, name="p"), layers.Dropout(0.5), layers.Dense(4, name="q")]
    found = keras.Sequential([layers.Input((6,)), *inner], name="inner")(found)
    return keras.Model(inputs, layers.Dense(2, name="last")(found))


def filled(model: Any, start: float = 0.0) -> Any:
    """Different values everywhere."""
    numpy: Any = importlib.import_module("numpy")
    for number, weight in enumerate(model.weights):
        if weight.dtype != "uint32" and "seed" not in weight.path:
            values = numpy.linspace(start + number, start + number + 0.9, math.prod(weight.shape))
            weight.assign(values.reshape(weight.shape))
    return model


def save(model: Any, path: Path) -> str:
    """Save a model, or its weights, as the suffix says."""
    path.parent.mkdir(exist_ok=True)
    (model.save_weights if path.name.endswith(".weights.h5") else model.save)(str(path))
    return str(path)


def same(model: Any, other: list[Any]) -> bool:
    """Whether a model has these weights."""
    return all((mine == its).all() for mine, its in zip(model.get_weights(), other, strict=True))
