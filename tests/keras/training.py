"""Small models that are really trained, and callbacks that decide what is logged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NUMBERS = np.random.default_rng(7)
INPUTS = _NUMBERS.random((64, 4), "float32")
TARGETS = INPUTS.sum(axis=1, keepdims=True)


def model(*, rate: float = 0.05, metrics: Sequence[Any] = ("mae",)) -> Any:
    """A model of two layers, with fresh weights."""
    built = keras.Sequential(
        [keras.layers.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name="b")]
    )
    built.compile(
        keras.optimizers.SGD(rate), "mse", metrics=[*metrics], run_eagerly=True, jit_compile=False
    )
    return built


def fit(trained: Any, *callbacks: Any, epochs: int = 1, **options: Any) -> None:
    """Train; one batch an epoch unless told otherwise."""
    options = {"batch_size": 64, "verbose": 0, **options}
    trained.fit(INPUTS, TARGETS, epochs=epochs, callbacks=[*callbacks], **options)


class Told(keras.callbacks.Callback):  # type: ignore[misc] # Keras has no types
    """Logs given values, as if the training had had them. Comes before what shall see them.

    Args:
        values: one an epoch; None to log nothing.
        name: the metric.
    """

    def __init__(self, values: Sequence[float | None], name: str = "val_loss") -> None:
        super().__init__()
        self._values = list(values)
        self._name = name

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the next value."""
        del epoch
        value = self._values.pop(0)
        assert isinstance(logs, dict)
        if value is not None:
            logs[self._name] = value


class Spoiled(keras.callbacks.Callback):  # type: ignore[misc] # Keras has no types
    """Makes a weight NaN at the end of an epoch, counted from 0; comes before what shall see it."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Spoil it."""
        del logs
        if epoch == self._epoch:
            weight = self.model.weights[0]
            weight.assign(np.full(weight.shape, np.nan))
