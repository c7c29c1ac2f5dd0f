"""Writes the same trained models in many formats, for `ckptsel diff`.

Run as a process of its own, `python -m tests.comparison.model_writer FOLDER`, because TensorFlow
and both Keras warn a lot and take seconds to import.
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
from safetensors.numpy import save_file

from tests.formats.tensorflow.bundles import trained


def composite() -> keras.Model:
    """Layers in layers, most of them alike in shape, and not in the order of the alphabet."""
    layers = keras.layers
    inputs = x = keras.Input((6, 4))
    for name in ("up", "down"):
        x = layers.Bidirectional(layers.LSTM(2, return_sequences=True), name=name)(x)
    for name in ("n", "m"):
        x = layers.MultiHeadAttention(2, 2, name=name)(x, x)
    for name in ("tower", "spire"):
        # Both have layers of the same names; one is not trained, and stands last in HDF5.
        inner = [layers.Dense(4, name="b"), layers.BatchNormalization(name="n")]
        inner[0].trainable = name == "spire"
        x = keras.Sequential([*inner, layers.Dense(4, name="a")], name=name)(x)
    for name in ("query", "extra"):
        x = layers.LSTM(4, return_sequences=True, name=name)(x)
    model = keras.Model(inputs, layers.Dense(4)(layers.Dense(4)(x)), name="composite")
    for weight in model.weights:
        weight.assign(np.random.default_rng(abs(hash(weight.path))).random(weight.shape))
    return model


def save_composite(model: keras.Model, start: str) -> None:
    """In every format that tells names, and one in which two layers have changed places."""
    model.save(f"{start}.keras")
    model.save_weights(f"{start}.weights.h5")
    tf.train.Checkpoint(model).write(f"{start}-checkpoint")
    arrays: Any = {weight.path: np.array(weight) for weight in model.weights}
    np.savez(f"{start}.npz", **arrays)
    save_file(arrays, f"{start}.safetensors")
    exchanged = {"query": "extra", "extra": "query"}
    swapped: Any = {}
    for path, array in arrays.items():
        layer, _, inside = path.partition("/")
        swapped[f"{exchanged.get(layer, layer)}/{inside}"] = array
    save_file(swapped, f"{start}-swapped.safetensors")
    model.save(f"{start}.h5")


def main(folder: str) -> None:
    """Write every file."""
    keras.utils.set_random_seed(1)
    model = trained(keras)
    model.save(f"{folder}/k3.keras")
    model.save_weights(f"{folder}/k3.weights.h5")
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(f"{folder}/k3-checkpoint")
    model.save(f"{folder}/k3.h5")  # last, since Keras forgets the optimizer after it
    model = trained(tf_keras)
    model.save_weights(f"{folder}/k2-checkpoint")
    model.save_weights(f"{folder}/k2.weights.h5")
    model.save_weights(f"{folder}/k2.h5")
    model.save(f"{folder}/k2-whole.h5")
    # Twelve layers alike: where names are sorted, the eleventh comes before the third.
    layers = [keras.layers.Dense(4, name=f"of_{number}") for number in range(12)]
    alike = keras.Sequential([keras.Input((4,)), *layers], name="alike")
    alike.save_weights(f"{folder}/alike.weights.h5")
    alike.save(f"{folder}/alike.h5")
    save_composite(composite(), f"{folder}/composite")


if __name__ == "__main__":
    main(sys.argv[1])
