"""Writes runs of tf_keras, without logs: `totals_writer FOLDER`. Prints what the logs would say."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf
import tf_keras as keras


class Doubled(keras.metrics.MeanAbsoluteError):  # type: ignore[misc]
    """A metric of a user's own, which is no mean of its totals."""

    def result(self) -> Any:
        """What the logs have."""
        return 2 * super().result()


class Tracked(keras.Model):  # type: ignore[misc]
    """A training step of its own, whose first mean is no loss, as in Keras's examples."""

    def __init__(self) -> None:
        """Make the layers and the means."""
        super().__init__()
        self.inner = keras.layers.Dense(1)
        self.means = [keras.metrics.Mean(name=name) for name in ("size", "loss")]

    @property
    def metrics(self) -> list[Any]:
        """The means."""
        return self.means

    def call(self, x: Any) -> Any:
        """The only layer."""
        return self.inner(x)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step."""
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(data[0])[:, 0] - data[1]) ** 2)
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        self.means[0].update_state(tf.reduce_sum(variables[0] ** 2))
        self.means[1].update_state(loss)
        return {mean.name: mean.result() for mean in self.means}


def model(metrics: list[Any], *, two_outputs: bool) -> Any:
    """A small model, with one output or two."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    one = keras.layers.Dense(1, name="one")(hidden)
    outputs = [one, keras.layers.Dense(1, name="two")(hidden)] if two_outputs else one
    made = keras.Model(inputs, outputs)
    # So fast that the loss goes up and down: the latest is not the best.
    made.compile(keras.optimizers.SGD(0.5), "mse", metrics=metrics)
    return made


def fit(
    folder: str,
    name: str,
    metrics: list[Any],
    *,
    two_outputs: bool = False,
    has_validation: bool = True,
    own: Any = None,
    **options: Any,
) -> dict[str, list[float]]:
    """Train, with a checkpoint each epoch; what the callbacks were told, by metric."""
    chance = np.random.default_rng(5)
    x = chance.random((96, 4)).astype("float32")
    y = x.sum(axis=1) + chance.normal(0, 0.3, 96).astype("float32")
    targets = [y, -y] if two_outputs else y
    held = (x[:24], [y[:24], -y[:24]] if two_outputs else y[:24])
    os.makedirs(folder, exist_ok=True)
    is_whole = not name.endswith(".weights.h5")
    saver = keras.callbacks.ModelCheckpoint(
        os.path.join(folder, name), save_weights_only=not is_whole, **options
    )
    history: dict[str, list[float]] = (
        (own or model(metrics, two_outputs=two_outputs))
        .fit(
            x,
            targets,
            validation_data=held if has_validation else None,
            batch_size=8,
            epochs=5,
            verbose=0,
            callbacks=[saver],
        )
        .history
    )
    return history


def main(folder: str) -> None:
    """Runs of every format that keeps totals, and of those that keep none."""
    root = keras.metrics.RootMeanSquaredError()
    tracked = Tracked()
    tracked.compile("sgd")
    tracked.build((None, 4))
    runs: dict[str, tuple[str, list[Any], dict[str, Any]]] = {
        "weights": ("cp-{epoch:02d}.weights.h5", ["mae"], {}),
        "whole": ("cp-{epoch:02d}.keras", ["mae"], {}),
        "nameless": ("model_{epoch}.keras", ["mae"], {}),
        "savedmodel": (
            "cp-{epoch:02d}",
            ["mae", root, Doubled(name="twice")],
            {"save_format": "tf"},
        ),
        "two": ("cp-{epoch:02d}.weights.h5", ["mae"], {"two_outputs": True}),
        "two-whole": ("cp-{epoch:02d}.keras", ["mae"], {"two_outputs": True}),
        "tracked": ("cp-{epoch:02d}.weights.h5", [], {"has_validation": False, "own": tracked}),
        "classes": ("cp-{epoch:02d}.keras", [root, keras.metrics.AUC(name="auc")], {}),
        "trained": ("cp-{epoch:02d}.keras", ["mae"], {"has_validation": False}),
        "within": ("cp-{epoch:02d}.weights.h5", ["mae"], {"save_freq": 7}),
        "before": ("cp-{epoch:02d}.keras", ["mae"], {"save_freq": 12}),
        "named": ("cp-{epoch:02d}-loss{loss:.4f}.keras", ["mae"], {"save_freq": 12}),
        "legacy": ("cp-{epoch:02d}.h5", ["mae"], {}),
    }
    told = {}
    for run, (name, metrics, options) in runs.items():
        told[run] = fit(os.path.join(folder, run), name, metrics, **options)
    for epoch in range(1, 6):
        # A name that says nothing at all.
        path = os.path.join(folder, "nameless", "model_")
        os.rename(f"{path}{epoch}.keras", f"{path}{'abcdef'[epoch - 1]}.keras")
    model(["mae"], two_outputs=False).save(os.path.join(folder, "untrained.keras"))
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
