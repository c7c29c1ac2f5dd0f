"""Writes Keras models of many kinds, all consistent, and some whose parts were mixed.

Run as `python -m tests.verification.consistent_writer FOLDER`, a process of its own, because Keras
takes seconds to import.
"""

from __future__ import annotations

import os
import sys
import zipfile
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import h5py
import keras
from keras import layers


def dense(units: int) -> Any:
    """Two Dense layers, the first of them of so many units."""
    return keras.Sequential([keras.Input((8,)), layers.Dense(units), layers.Dense(2)])


def shared() -> Any:
    """One layer that stands in two nested models, and outside of them."""
    one, given = layers.Dense(8, name="one"), keras.Input((8,))
    inner = [keras.Sequential([keras.Input((8,)), one], name=name) for name in ("e", "f")]
    return keras.Model(given, inner[1](inner[0](one(given))))


def with_lora() -> Any:
    """A model that is fine-tuned at low rank."""
    model = dense(16)
    model.layers[0].enable_lora(2)
    return model


def quantized() -> Any:
    """A model with integers for weights."""
    model = dense(16)
    model.quantize("int8")
    return model


def recurrent() -> Any:
    """Recurrent layers, one of them in both directions, one without a bias."""
    return keras.Sequential(
        [
            keras.Input((5,)),
            layers.Embedding(9, 4),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.GRU(3, reset_after=False, return_sequences=True),
            layers.SimpleRNN(2, use_bias=False),
        ]
    )


def convolutional() -> Any:
    """Convolutions in groups, by depth and transposed, and normalisations."""
    given = keras.Input((6, 4))
    x = layers.MultiHeadAttention(2, 3)(given, given)
    x = layers.Conv1D(4, 3, groups=2)(x)
    x = layers.Conv1DTranspose(3, 2)(x)
    x = layers.DepthwiseConv1D(2, depth_multiplier=2)(x)
    x = layers.BatchNormalization(center=False)(x)
    x = layers.BatchNormalization(scale=False, axis=1)(x)
    return keras.Model(given, layers.PReLU()(x))


def weightless() -> Any:
    """A model that only rescales."""
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(1 / 255)])


def mix(config_of: str, weights_of: str, path: str) -> None:
    """A whole model with the config of one and the weights of another."""
    if path.endswith(".h5"):
        with h5py.File(config_of) as one, h5py.File(weights_of) as other, h5py.File(path, "w") as f:
            other.copy("model_weights", f)
            f.attrs.update(one.attrs)
        return
    opened = zipfile.ZipFile(config_of), zipfile.ZipFile(weights_of), zipfile.ZipFile(path, "w")
    with opened[0] as one, opened[1] as other, opened[2] as new:
        for name in one.namelist():
            new.writestr(name, (other if name.endswith(".h5") else one).read(name))


def main(folder: str) -> None:
    """Write all of them."""
    models = {
        "dense": dense(16),
        "shared": shared(),
        "lora": with_lora(),
        "quantized": quantized(),
        "recurrent": recurrent(),
        "convolutional": convolutional(),
        "weightless": weightless(),
        "unlike": dense(12),
        "longer": keras.Sequential(
            [keras.Input((8,)), layers.Dense(16), layers.Dense(2), layers.Dense(2)]
        ),
    }
    for suffix in ("keras", "h5"):
        for name, model in models.items():
            model.save(os.path.join(folder, f"{name}.{suffix}"))
        for name in ("unlike", "longer"):
            config, weights = (os.path.join(folder, f"{each}.{suffix}") for each in (name, "dense"))
            mix(config, weights, os.path.join(folder, f"mixed-{name}.{suffix}"))


if __name__ == "__main__":
    main(sys.argv[1])
