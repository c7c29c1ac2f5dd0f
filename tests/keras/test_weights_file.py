"""The room that is asked for before Keras writes weights."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.keras.test_trouble import files_up_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def deep(keras: Any) -> Any:
    """Many layers, few values."""
    layers = [keras.layers.Dense(1) if n % 2 else keras.layers.Dropout(0.1) for n in range(120)]
    return keras.Sequential([keras.layers.Input((1,)), *layers])


def wide(keras: Any) -> Any:
    """Many values, few layers."""
    return keras.Sequential([keras.layers.Input((300,)), keras.layers.Dense(1000)])


def composed(keras: Any) -> Any:
    """Layers that hold layers which no list names."""
    inputs = keras.Input((4, 8))
    found = inputs
    for _ in range(6):
        found = keras.layers.MultiHeadAttention(2, 4)(found, found)
        found = keras.layers.Bidirectional(keras.layers.LSTM(4))(found)
        found = keras.layers.Reshape((4, 2))(found)
        found = keras.layers.Dense(8)(found)
    return keras.Model(inputs, found)


@pytest.mark.parametrize("build", [deep, wide, composed])
@pytest.mark.parametrize("optimizer", [None, "adam"])
def test_enough_is_asked_for(tmp_path: Path, build: Callable[[Any], Any], optimizer: Any) -> None:
    """No file becomes larger than what was asked for, nor is that far more than it takes."""
    keras: Any = pytest.importorskip("keras")
    module = importlib.import_module("ckptsel.keras.weights_file")
    model = build(keras)
    if optimizer:
        model.compile(optimizer, "mse")
        model.optimizer.build(model.trainable_variables)
    path = tmp_path / "w.weights.h5"
    module.save_weights(model, str(path))
    asked, taken = module.size_bytes(model), os.path.getsize(path)
    assert taken <= asked <= 4 * taken + 64 * 1024


def test_no_room(tmp_path: Path) -> None:
    """Without room it is an error that Python can catch, and Keras has not begun to write."""
    keras: Any = pytest.importorskip("keras")
    module = importlib.import_module("ckptsel.keras.weights_file")
    with files_up_to(100_000), pytest.raises(OSError, match="File too large"):
        module.save_weights(wide(keras), str(tmp_path / "w.weights.h5"))
    assert os.path.getsize(tmp_path / "w.weights.h5") == 0
