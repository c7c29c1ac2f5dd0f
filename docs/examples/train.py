"""Make the example runs: three small trainings on scikit-learn's digits.

    python docs/examples/train.py [DEST]

Every file under DEST (by default `runs` beside this script) is as Keras's ModelCheckpoint
and CSVLogger wrote it. The seed is fixed, so that the same versions on the same machine give
the same names; another machine may differ in the last digits.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass

# TensorFlow's greetings would hide the few lines that this script prints.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 7


@dataclass(frozen=True)
class Run:
    """One training, and what ModelCheckpoint is told to keep of it."""

    folder: str
    pattern: str
    learning_rate: float
    monitor: str = "val_loss"
    mode: str = "min"
    save_best_only: bool = False
    save_weights_only: bool = True
    epochs: int = 12


RUNS = (
    # What most tutorials do: only what improved is kept, and the value bears no label.
    Run(
        folder="recipe",
        pattern="best_weights.{epoch:02d}-{val_accuracy:.4f}.weights.h5",
        learning_rate=0.3,
        monitor="val_accuracy",
        mode="max",
        save_best_only=True,
        epochs=20,
    ),
    # A learning rate that is too high: the loss wobbles, and the last epoch is not the best.
    Run(
        folder="every-epoch",
        pattern="weights.{epoch:02d}-{val_loss:.4f}.weights.h5",
        learning_rate=0.9,
    ),
    # Two labelled values, which do not agree on the best epoch.
    Run(
        folder="whole-models",
        pattern="epoch{epoch:02d}-val_loss{val_loss:.4f}-val_accuracy{val_accuracy:.4f}.keras",
        learning_rate=0.5,
        save_weights_only=False,
        epochs=14,
    ),
)


def build_model(learning_rate: float) -> keras.Model:
    """A classifier of 8 by 8 images in 10 classes, small enough to commit many of it."""
    model = keras.Sequential(
        [
            keras.layers.Input((64,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def train(run: Run, folder: str) -> None:
    """Train once, and leave the checkpoints and `training.csv` in the new folder."""
    os.makedirs(folder)
    images, labels = load_digits(return_X_y=True)
    # Few images to learn from, so that the model overfits within a dozen epochs.
    x_train, x_val, y_train, y_val = train_test_split(
        images / 16.0, labels, train_size=300, random_state=SEED, stratify=labels
    )
    keras.utils.set_random_seed(SEED)
    model = build_model(run.learning_rate)
    model.fit(
        x_train,
        y_train,
        validation_data=(x_val, y_val),
        epochs=run.epochs,
        batch_size=16,
        verbose=0,
        callbacks=[
            keras.callbacks.ModelCheckpoint(
                os.path.join(folder, run.pattern),
                monitor=run.monitor,
                mode=run.mode,
                save_best_only=run.save_best_only,
                save_weights_only=run.save_weights_only,
            ),
            keras.callbacks.CSVLogger(os.path.join(folder, "training.csv")),
        ],
    )


def main() -> int:
    """Make all the runs, each in a folder that is not there yet."""
    parser = argparse.ArgumentParser(description="Make the example runs.")
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "runs")
    parser.add_argument("dest", nargs="?", default=default, help="the folder to make them in")
    dest = parser.parse_args().dest
    folders = [os.path.join(dest, run.folder) for run in RUNS]
    for folder in folders:
        # Files of two trainings in one folder would be no real run.
        if os.path.exists(folder):
            print(f"{folder} exists: move it away, or name another DEST", file=sys.stderr)
            return 1
    tf.config.experimental.enable_op_determinism()
    for run, folder in zip(RUNS, folders, strict=True):
        train(run, folder)
        print(f"{folder}: {len(os.listdir(folder)) - 1} checkpoints")
    return 0


if __name__ == "__main__":
    sys.exit(main())
