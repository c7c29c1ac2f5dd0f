"""Writes models of the kinds that are hard to rebuild, with Keras and tf_keras.

Run as a process of its own, `python -m tests.conversion.rebuild.writer FOLDER`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import keras
import numpy as np
import tf_keras

X = np.random.default_rng(2).random((8, 3)).astype("float32")


@keras.saving.register_keras_serializable("mine")
class Doubled(keras.layers.Layer):  # type: ignore[misc] # keras has no types
    """A layer of the user's own."""

    def call(self, x: Any) -> Any:
        """Twice the input."""
        return 2 * x


class Halved(tf_keras.layers.Layer):  # type: ignore[misc] # nor has tf_keras
    """A layer of the user's own, in Keras 2."""

    def call(self, x: Any) -> Any:
        """Half the input."""
        return x / 2


@keras.saving.register_keras_serializable("mine")  # type: ignore[untyped-decorator]
def my_loss(y: Any, z: Any) -> Any:
    """A loss of the user's own."""
    return keras.ops.mean(keras.ops.abs(y - z))


def save(model: Any, name: str, loss: Any = "mse") -> None:
    """Train for a step, and save."""
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(X, X[:, :2], epochs=2, verbose=0)
    model.save(name)


def dense(*layers: Any) -> Any:
    """A model of 3 inputs and 2 outputs."""
    found = [keras.layers.Input((3,), name="given"), *layers, keras.layers.Dense(2, name="out")]
    return keras.Sequential(found)


def two() -> Any:
    """Two inputs and two outputs by name, whose order is not that of the alphabet."""
    left, right = keras.Input((3,), name="wide one"), keras.Input((2,), name="narrow")
    first = keras.layers.Dense(2, name="sum")(left)
    second = keras.layers.Dense(4, name="difference")(keras.layers.Concatenate()([left, right]))
    return keras.Model([left, right], {"zeta": first, "alpha": second}, name="two")


def old() -> None:
    """What Keras 2 writes: the metric `mse`, a recurrent layer, a layer of the user's own."""
    k = tf_keras
    model = k.Sequential([k.layers.Input((4, 3)), k.layers.LSTM(2), k.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mse"])
    model.fit(np.ones((4, 4, 3)), np.ones((4, 1)), verbose=0)
    model.save("old.h5")
    model = k.Sequential([k.layers.Input((3,)), Halved(), k.layers.Dense(1)])
    model.save("old-custom.h5")


def main(folder: str) -> None:
    """Write all of them."""
    os.chdir(folder)
    save(dense(keras.layers.BatchNormalization()), "plain.keras")
    save(dense(keras.layers.BatchNormalization()), "other.keras")
    with open("plain.json", "w", encoding="utf-8") as file:
        model = keras.models.load_model("plain.keras")
        file.write(model.to_json())
    model.save_weights("plain.weights.h5")
    keras.saving.save_model(model, "unzipped", zipped=False)
    save(dense(keras.layers.Lambda(lambda x: x + 1)), "lambda.keras")
    save(dense(Doubled()), "custom.keras")
    save(dense(), "loss.keras", my_loss)
    two().save("two.keras")
    words = [keras.layers.Input((None,), name="words"), keras.layers.Embedding(5, 3)]
    keras.Sequential([*words, keras.layers.GlobalAveragePooling1D()]).save("words.keras")
    dense(keras.layers.Lambda(lambda x: x * 10)).save("lambda.h5")
    old()


if __name__ == "__main__":
    keras.utils.set_random_seed(3)
    main(sys.argv[1])
