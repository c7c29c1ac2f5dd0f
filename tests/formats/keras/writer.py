"""Writes checkpoints with the real Keras and tf_keras, and what they themselves read in them.

Run as a process of its own, `python -m tests.formats.keras.writer FOLDER`, because Keras and
tf_keras warn a lot and take seconds to import. Every sample is alone in its folder; beside it
stand `<sample>.npz` with path → values and `<sample>.json` with the rest.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import h5py
import keras
import numpy as np
import tf_keras
from keras.src.saving.saving_lib import H5IOStore, save_model

FOLDER = sys.argv[1] if __name__ == "__main__" else ""
RNG = np.random.default_rng(3)
X = RNG.random((32, 4), "float32")
Y = X.sum(1, keepdims=True)


def new(sample: str, name: str) -> str:
    """A path in a folder of its own."""
    folder = os.path.join(FOLDER, sample)
    os.makedirs(folder)
    return os.path.join(folder, name)


def expect(
    path: str, tensors: dict[str, Any], step: int | None = None, rate: float | None = None
) -> None:
    """Write down what is in a sample."""
    sample = os.path.dirname(path)
    np.savez(sample + ".npz", **tensors)
    with open(sample + ".json", "w", encoding="utf-8") as file:
        json.dump({"path": path, "step": step, "learning_rate": rate}, file)


def as_keras_reads(path: str, model: Any) -> dict[str, Any]:
    """Path → value through Keras's own store; and loading gives back the model's weights."""
    groups: list[str] = []
    with h5py.File(path) as file:
        file.visit(groups.append)
    store = H5IOStore(path)
    found: dict[str, Any] = {}
    for group in (name[: -len("/vars")] for name in groups if name.endswith("/vars")):
        entry = store.get(group)
        found |= {f"{group}/vars/{key}": entry[key] for key in list(entry.keys())}
    store.close()
    if model is not None:
        before = model.get_weights()
        model.set_weights([value * 0 for value in before])
        model.load_weights(path)
        for saved, loaded in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(saved, loaded)
    # numpy has no bfloat16 of its own; ml_dtypes' is of kind V, and no other weight is.
    return {
        key: value.astype("float32") if value.dtype.kind == "V" else value
        for key, value in found.items()
    }


def same_weights(one: Any, other: Any) -> None:
    """What was loaded is what was saved."""
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def sequential(framework: Any = keras, dtype: str | None = None) -> Any:
    """A small model with a layer of every kind of state."""
    return framework.Sequential(
        [
            framework.layers.Input((4,)),
            framework.layers.Dense(16, name="hidden", dtype=dtype),
            framework.layers.BatchNormalization(name="norm"),
            framework.layers.Dropout(0.5),
            framework.layers.Dense(1, name="out"),
        ],
        name="small",
    )


class Subclassed(keras.Model):  # type: ignore[misc]
    """A model whose paths are its attributes."""

    def __init__(self) -> None:
        super().__init__(name="mine")
        self.encoder = keras.layers.Dense(8, name="code")
        self.heads = [keras.layers.Dense(1), keras.layers.Dense(1)]
        self.noise = keras.layers.GaussianNoise(0.1)

    def call(self, inputs: Any) -> Any:
        """The forward pass."""
        code = self.noise(self.encoder(inputs))
        return self.heads[0](code) + self.heads[1](code)


def keras_three() -> None:
    """What Keras 3 writes."""
    model = sequential()
    model.compile(keras.optimizers.Adam(0.003), "mse", metrics=["mae"])
    model.fit(X, Y, epochs=3, verbose=0)
    weights = new("sequential", "w.weights.h5")
    model.save_weights(weights)
    tensors = as_keras_reads(weights, model)
    expect(weights, tensors, 3, 0.003)
    for sample, name in (("archive", "m.keras"), ("archive-folder", "m")):
        path = new(sample, name)
        keras.saving.save_model(model, path, zipped=sample == "archive")
        expect(path, tensors, 3, 0.003)
    sharded = new("sharded", "w.weights.json")
    model.save_weights(sharded, max_shard_size=4e-7)
    expect(sharded, tensors, 3, 0.003)
    whole = new("legacy-whole", "m.h5")
    model.save(whole)
    same_weights(model, keras.models.load_model(whole, compile=False))
    expect(whole, legacy_names(model, "model_weights/", "path"), 3, 0.003)

    # Saving as .h5 makes Keras 3.15 forget the optimizer of the model in memory.
    model.save(new("lost-optimizer", "m.keras"))
    save_model(model, new("npz", "m.keras"), weights_format="npz")
    keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2)]).save(
        new("lambda", "m.keras")
    )

    inputs = keras.Input((4,))
    outputs = model(inputs) + keras.layers.Dense(1, name="top")(inputs)
    nested = keras.Model(inputs, outputs, name="nested")
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9)
    inner = keras.optimizers.SGD(schedule, momentum=0.9)
    nested.compile(keras.optimizers.LossScaleOptimizer(inner), "mse")
    nested.fit(X, Y, epochs=2, verbose=0)
    weights = new("nested", "w.weights.h5")
    nested.save_weights(weights)
    tensors = as_keras_reads(weights, nested)
    expect(weights, tensors, 2)
    archive = new("archive-nested", "m.keras")
    nested.save(archive)
    expect(archive, tensors, 2)

    mine = Subclassed()
    mine.compile(keras.optimizers.SGD(0.01), "mse")
    mine.fit(X, Y, epochs=1, verbose=0)
    weights = new("subclassed", "w.weights.h5")
    mine.save_weights(weights)
    expect(weights, as_keras_reads(weights, mine), 1, 0.01)

    halves = sequential(dtype="bfloat16")
    weights = new("bfloat16", "w.weights.h5")
    halves.save_weights(weights)
    expect(weights, as_keras_reads(weights, halves))


def legacy_names(model: Any, prefix: str, attribute: str) -> dict[str, Any]:
    """Path in a legacy file → value in the model that Keras loaded from it."""
    found = {
        f"{prefix}{layer.name}/{getattr(weight, attribute)}": weight.numpy()
        for layer in model.layers
        for weight in layer.weights
    }
    if prefix:
        for variable in model.optimizer.variables:
            found[f"optimizer_weights/{getattr(variable, attribute)}"] = variable.numpy()
    return found


def keras_two() -> None:
    """What tf_keras, the former tf.keras, writes."""
    model = sequential(tf_keras)
    model.compile(tf_keras.optimizers.Adam(0.003), "mse", metrics=["mae", "RootMeanSquaredError"])
    model.fit(X, Y, epochs=3, verbose=0)
    values = model.evaluate(X, Y, verbose=0, return_dict=True)
    with open(os.path.join(FOLDER, "evaluated.json"), "w", encoding="utf-8") as file:
        json.dump({name: float(value) for name, value in values.items()}, file)
    weights = new("tf-keras", "w.weights.h5")
    model.save_weights(weights)
    tensors = as_keras_reads(weights, None)
    expect(weights, tensors, 3)
    archive = new("tf-keras-archive", "m.keras")
    model.save(archive)
    expect(archive, tensors, 3, 0.003)
    lambdas = tf_keras.Sequential([tf_keras.layers.Lambda(lambda x: x * 2, input_shape=(4,))])
    lambdas.save(new("legacy-lambda", "m.h5"))
    whole = new("tf-keras-whole", "m.h5")
    model.save(whole)
    same_weights(model, tf_keras.models.load_model(whole))
    expect(whole, legacy_names(model, "model_weights/", "name"), 3, 0.003)
    legacy = new("legacy-weights", "w.h5")
    model.save_weights(legacy)
    expect(legacy, legacy_names(model, "", "name"))
    names = ["long" * 200 + str(number) for number in range(90)]
    deep = tf_keras.Sequential([tf_keras.layers.Dense(3, name=name) for name in names])
    deep.build((None, 3))
    chunked = new("legacy-chunked", "w.h5")
    deep.save_weights(chunked)
    expect(chunked, legacy_names(deep, "", "name"))


if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    keras_three()
    keras_two()
