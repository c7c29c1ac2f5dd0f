"""Writes runs of one model that Keras trains, with their logs: `which_writer FOLDER`."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

_STEPS = 3  # an epoch


def fit(folder: str, seed: int, epochs: int, *saves: Any, rate: Any = None) -> dict[str, Any]:
    """Train, save, and log; what the log has."""
    os.makedirs(folder, exist_ok=True)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    x = np.random.default_rng(1).random((_STEPS * 8, 4)).astype("float32")
    callbacks = [keras.callbacks.CSVLogger(os.path.join(folder, "training.csv"))]
    callbacks += [keras.callbacks.LearningRateScheduler(rate)] if rate else []
    callbacks += [
        keras.callbacks.ModelCheckpoint(os.path.join(folder, name), **options)
        for name, options in saves
    ]
    data = (x, x.sum(axis=1))
    done = model.fit(
        *data, batch_size=8, validation_data=data, verbose=0, epochs=epochs, callbacks=callbacks
    )
    told: dict[str, Any] = done.history
    return told


def main(folder: str) -> None:
    """All runs; the epoch that was best in `gaps`, and the values of its log."""
    best = ("best.keras", {"save_best_only": True})
    each = "w.{epoch:02d}.keras"
    fit(os.path.join(folder, "one"), 1, 6, (each, {}), best)
    weights = {"save_weights_only": True}
    named = ("w.{epoch:02d}-{val_loss:.3f}.weights.h5", weights)
    best_weights = ("best.weights.h5", {**weights, "save_best_only": True})
    fit(os.path.join(folder, "other"), 2, 6, named, best_weights)
    fit(os.path.join(folder, "within"), 3, 6, (each, {"save_freq": _STEPS + 1}))
    # What comes after the fifteenth epoch is worse.
    gaps = fit(
        os.path.join(folder, "gaps"), 4, 16, (each, {"save_freq": 4 * _STEPS}), best,
        rate=lambda epoch: 0.01 if epoch < 15 else 2.0,
    )  # fmt: skip
    epoch = int(np.argmin(gaps["val_loss"]))
    print(json.dumps({"epoch": epoch + 1, "val_loss": gaps["val_loss"][epoch]}))


if __name__ == "__main__":
    main(sys.argv[1])
