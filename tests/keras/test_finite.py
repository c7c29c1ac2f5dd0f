"""Weights that are no numbers, of every type that Keras computes with."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights(keras: Any, dtype: str, value: float) -> None:
    """One number among many is enough; counters and seeds have none."""
    has_finite_weights = importlib.import_module("ckptsel.keras.finite").has_finite_weights
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(2, dtype=dtype)]
    )
    assert has_finite_weights(model)
    bias = model.layers[-1].bias
    bias.assign([1.0, value])
    assert not has_finite_weights(model)
