"""Writes runs with Keras's own callbacks and their logs: `keras_writer FOLDER`."""

from __future__ import annotations

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import pandas as pd


def fit(
    folder: str, name: str, *, epochs: int = 6, seed: int = 1, append: bool = False, first: int = 0
) -> None:
    """Train a small model, and write down what was saved and its true losses."""
    keras.utils.set_random_seed(seed)
    chance = np.random.default_rng(seed)
    x = chance.random((60, 4)).astype("float32")
    y = (x.sum(axis=1) > 2).astype("float32")
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    os.makedirs(folder, exist_ok=True)
    history = model.fit(
        x,
        y,
        validation_split=0.3,
        epochs=epochs,
        initial_epoch=first,
        verbose=0,
        callbacks=[
            keras.callbacks.ModelCheckpoint(os.path.join(folder, name)),
            keras.callbacks.CSVLogger(os.path.join(folder, "training.csv"), append=append),
            keras.callbacks.TensorBoard(os.path.join(folder, "logs"), write_graph=False),
        ],
    ).history
    truth = {
        name.format(epoch=first + i + 1, **{k: v[i] for k, v in history.items()}): loss
        for i, loss in enumerate(history["val_loss"])
    }
    path = os.path.join(folder, "truth.txt")
    known = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            known = json.load(file)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**known, **truth}, file)
    with open(os.path.join(folder, "history.json"), "w", encoding="utf-8") as file:
        json.dump(history, file)
    frame = pd.DataFrame(history)
    beside = f"{folder}-pandas"
    os.makedirs(beside, exist_ok=True)
    frame.to_csv(os.path.join(beside, "history.csv"))
    frame.to_json(os.path.join(beside, "history.json"))
    frame.insert(0, "epoch", range(len(frame)))
    frame.to_csv(os.path.join(beside, "log.csv"))


def main(folder: str) -> None:
    """Runs whose names say everything, little, or nothing but the epoch; and resumed ones."""
    runs = {
        "epoch-only": "cp-{epoch:02d}.weights.h5",
        "rounded": "w-{epoch:02d}-val_loss={val_loss:.1f}.weights.h5",
        "unlabelled": "w.{epoch:02d}-{val_loss:.2f}.weights.h5",
    }
    for run, name in runs.items():
        fit(os.path.join(folder, run), name)
    again = os.path.join(folder, "resumed")
    fit(again, "w-{epoch:02d}-{val_loss:.4f}.weights.h5", epochs=4)
    fit(again, "w-{epoch:02d}-{val_loss:.4f}.weights.h5", epochs=8, first=4, append=True, seed=2)
    restarted = os.path.join(folder, "restarted")
    fit(restarted, "w-{epoch:02d}-{val_loss:.4f}.weights.h5")
    fit(restarted, "w-{epoch:02d}-{val_loss:.4f}.weights.h5", epochs=3, append=True, seed=2)


if __name__ == "__main__":
    main(sys.argv[1])
