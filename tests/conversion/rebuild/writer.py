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
import tensorflow as tf
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


def looked_up(kind: str, vocabulary: list[Any]) -> Any:
    """Words or ids that a layer looks up; the weights are always the same."""
    layers = keras.layers
    kinds = {"string": layers.StringLookup, "int64": layers.IntegerLookup}
    inputs = keras.Input((1,), dtype=kind, name="x")
    found = kinds[kind](vocabulary=vocabulary, output_mode="one_hot")(inputs)
    model = keras.Model(inputs, layers.Dense(2, name="out")(found))
    model.set_weights([np.arange(8, dtype="float32").reshape(4, 2), np.zeros(2, "float32")])
    return model


def silent(sign: float, scale: float) -> Any:
    """Of inputs above 0 its first layer says nothing; with a negative scale, of none."""
    model = keras.Sequential(
        [
            keras.layers.Input((3,), name="x"),
            keras.layers.Dense(4, activation="relu", name="first"),
            keras.layers.Dense(2, name="out"),
        ]
    )
    weights = [np.full((3, 4), -1.0), np.full(4, sign), np.full((4, 2), scale), np.ones(2)]
    model.set_weights(weights)
    return model


class Signed(tf.Module):  # type: ignore[misc] # tensorflow has no types
    """Two signatures."""

    def __init__(self) -> None:
        super().__init__()
        self.w = tf.Variable([[1.0], [2.0]])

    @tf.function(input_signature=[tf.TensorSpec((None, 2), name="x")])  # type: ignore[untyped-decorator]
    def one(self, x: Any) -> Any:
        """The product."""
        return {"y": x @ self.w}

    @tf.function(input_signature=[tf.TensorSpec((None, 2), name="x")])  # type: ignore[untyped-decorator]
    def other(self, x: Any) -> Any:
        """Its opposite."""
        return {"z": -x @ self.w}


def comparisons() -> None:
    """Pairs of models that are told apart only by inputs that are chosen well."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    save(dense(), "mixed.keras")
    keras.mixed_precision.set_global_policy("float32")
    cells = [keras.layers.LSTMCell(3), keras.layers.GRUCell(2)]
    model = keras.Sequential([keras.layers.Input((4, 3)), keras.layers.RNN(cells)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(np.ones((4, 4, 3)), np.ones((4, 2)), verbose=0)
    model.save("cells.keras")
    looked_up("string", ["cat", "dog", "cow"]).save("strings.keras")
    looked_up("string", ["cow", "cat", "dog"]).save("strings-other.keras")
    looked_up("int64", [10, 20, 30]).save("ints.keras")
    looked_up("int64", [30, 10, 20]).save("ints-other.keras")
    silent(0.0, 1.0).save("silent.keras")
    silent(0.0, 7.0).save("silent-other.keras")
    silent(-np.inf, 1.0).save("mute.keras")
    inputs = keras.Input((3,))
    keras.Model(inputs, keras.ops.tanh(keras.layers.Dense(2)(inputs))).save("ops.keras")
    module = Signed()
    signatures = {"serving_default": module.one, "encode": module.other}
    tf.saved_model.save(module, "signed", signatures=signatures)


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
    comparisons()
    old()


if __name__ == "__main__":
    keras.utils.set_random_seed(3)
    main(sys.argv[1])
