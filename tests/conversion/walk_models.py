"""The models that the walk through the table uses: the same in Keras 3 and in tf_keras."""

from __future__ import annotations

from typing import Any

import numpy as np

X = np.random.default_rng(5).random((8, 6)).astype("float32")
"""The fixed input of all predictions."""


def sequential(k: Any) -> Any:
    """Dense layers with a normalization and a dropout between them."""
    return k.Sequential(
        [
            k.layers.Input((6,)),
            k.layers.Dense(5, name="first", activation="relu"),
            k.layers.BatchNormalization(name="norm"),
            k.layers.Dropout(0.5),
            k.layers.Dense(5, name="second"),
            k.layers.Dense(2, name="last"),
        ],
        name="plain",
    )


def branches(k: Any) -> Any:
    """Two branches of one shape, one of them recurrent, and an output of both."""
    inputs = k.Input((6,), name="given")
    rows = k.layers.Reshape((3, 2), name="rows")(inputs)
    texts = k.layers.LSTM(4, name="texts")(rows)
    images = k.layers.Conv1D(4, 2, name="images")(rows)
    flat = k.layers.Flatten(name="flat")(images)
    one = k.layers.Dense(4, name="left")(texts)
    other = k.layers.Dense(4, name="right")(flat)
    both = k.layers.Add(name="both")([one, other])
    return k.Model(inputs, k.layers.Dense(2, name="out")(both), name="branched")


def nested(k: Any, *, frozen: bool = False) -> Any:
    """A model in a model, with layers of one shape on both sides of its normalization."""
    inputs = k.Input((6,), name="given")
    body = k.Sequential(
        [
            k.layers.Input((6,)),
            k.layers.Dense(6, name="before"),
            k.layers.BatchNormalization(name="middle"),
            k.layers.Dense(6, name="after"),
        ],
        name="body",
    )
    # The HDF5 of Keras 2 puts what is trained first.
    body.get_layer("before").trainable = not frozen
    return k.Model(inputs, k.layers.Dense(2, name="head")(body(inputs)), name="nested")


def frozen(k: Any) -> Any:
    """A model in a model, of which the first layer is not trained."""
    return nested(k, frozen=True)


MODELS = {"sequential": sequential, "branches": branches, "nested": nested, "frozen": frozen}


def trained(k: Any, name: str) -> Any:
    """A model after one epoch, with weights that are all different."""
    model = MODELS[name](k)
    model.compile(k.optimizers.Adam(0.01), "mse")
    model.fit(X, X[:, :2], epochs=1, verbose=0)
    draw = np.random.default_rng(len(name))
    # The variances of a normalization must be positive.
    model.set_weights([draw.random(value.shape) + 0.1 for value in model.get_weights()])
    return model


def predict(model: Any) -> Any:
    """What a model says of the fixed input."""
    return np.asarray(model(X, training=False))
