"""Members of which a mean makes no sense, or needs care, written by the real Keras.

Run as a process of its own: `python -m tests.transfer.keras_odd FOLDER`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

SUFFIXES = (".keras", ".weights.h5", ".weights.json", "")


def _save(model: Any, path: str, suffix: str) -> None:
    import tensorflow as tf  # noqa: PLC0415

    if suffix == ".keras":
        model.save(path + suffix)
    elif suffix == ".weights.json":
        model.save_weights(path + suffix, max_shard_size=1e-6)
    elif suffix:
        model.save_weights(path + suffix)
    else:
        tf.train.Checkpoint(model=model).write(path)


def _swapped(folder: str) -> None:
    """`1` has the layers a and b, `2` has b and a, `3` other ones in place of them."""
    import keras  # noqa: PLC0415

    for number, names in enumerate(("ab", "ba", "xy"), 1):
        dense = [keras.layers.Dense(4, name=name) for name in names]
        model = keras.Sequential([keras.layers.Input((4,)), *dense])
        for suffix in SUFFIXES:
            _save(model, f"{folder}/swapped-{number}", suffix)


def _made_up(folder: str) -> None:
    """The same model twice in a session: Keras counts on, in the layers' and the model's names."""
    import keras  # noqa: PLC0415

    layers = keras.layers
    for number in (1, 2):
        inner = keras.Sequential([layers.Dense(4), layers.Dense(4)])
        inputs = layers.Input((4,))
        outputs = layers.Dense(4)(layers.Dense(4)(inner(inputs)))
        model = keras.Model(inputs, outputs)
        for suffix in SUFFIXES:
            _save(model, f"{folder}/counted-{number}", suffix)


def _quantized(folder: str) -> None:
    import keras  # noqa: PLC0415

    for mode in ("int8", "int4"):
        for number in (1, 2):
            keras.utils.set_random_seed(number)
            layers = [keras.layers.Input((16,)), keras.layers.Dense(8), keras.layers.Dense(4)]
            model = keras.Sequential(layers)
            model.quantize(mode)
            for suffix in (".keras", ".weights.h5"):
                _save(model, f"{folder}/{mode}-{number}", suffix)


def _gan(folder: str) -> None:
    """Optimizers under names that people give them, one with a schedule of its rate."""
    import keras  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    class Counted(keras.layers.Layer):  # type: ignore[misc]
        """A layer that counts first, as optimizers do, and has a number next."""

        def build(self, _: Any) -> None:
            self.seen = self.add_weight(shape=(), dtype="int32", trainable=False)
            self.scale = self.add_weight(shape=(), trainable=False)
            self.shift = self.add_weight(shape=(7,), trainable=False)

        def call(self, x: Any) -> Any:
            return x * self.scale

    class Gan(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.g = keras.layers.Dense(2)
            self.opt_net = keras.layers.Dense(2)
            self.counted = Counted()
            decay = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
            self.g_opt = keras.optimizers.Adam()
            self.adam = keras.optimizers.Adam()
            self.trainer = keras.optimizers.Adam(name="mine")
            self.solver = keras.optimizers.SGD(decay, momentum=0.9)

        def call(self, x: Any) -> Any:
            return self.counted(self.opt_net(self.g(x)))

    for number in (1, 3):
        model = Gan()
        model(np.ones((1, 2), "float32"))
        for weight in model.weights:
            weight.assign(np.full(weight.shape, number))
        for optimizer in (model.g_opt, model.adam, model.trainer, model.solver):
            optimizer.build(model.trainable_variables)
            for variable in optimizer.variables:
                variable.assign(np.full(variable.shape, number))
        _save(model, f"{folder}/gan-{number}", ".weights.h5")


if __name__ == "__main__":
    _swapped(sys.argv[1])
    _made_up(sys.argv[1])
    _quantized(sys.argv[1])
    _gan(sys.argv[1])
