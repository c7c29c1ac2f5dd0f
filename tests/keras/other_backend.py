"""A training, and the loading of its best, in a process of its own: see KERAS_BACKEND."""

from __future__ import annotations

import os
import sys

import keras
import numpy as np

from ckptsel.keras import BestCheckpoint, load_best_weights
from tests.keras import training


def main(folder: str) -> None:
    """Train, load the best into a new model, and compare."""
    kept = BestCheckpoint(folder, keep_best=None)
    data = (training.INPUTS, training.TARGETS)
    # A rate at which the first epoch is not the best.
    training.fit(training.model(rate=0.02), kept, validation_data=data, epochs=3)
    model = training.model()
    chosen = load_best_weights(model, folder, "val_loss")
    assert chosen.path == kept.best_path
    assert kept.best is not None
    loss = model.evaluate(*data, verbose=0)[0]
    assert np.isclose(loss, kept.best, rtol=1e-5), (loss, kept.best)
    files = [name for name in os.listdir(folder) if name.endswith(".keras")]
    print(f"{keras.backend.backend()}: loaded the best of {len(files)}")


if __name__ == "__main__":
    main(sys.argv[1])
