"""Writes the same trained models in many formats, for `ckptsel diff`.

Run as a process of its own, `python -m tests.comparison.model_writer FOLDER`, because TensorFlow
and both Keras warn a lot and take seconds to import.
"""

from __future__ import annotations

import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import keras
import tensorflow as tf
import tf_keras

from tests.formats.tensorflow.bundles import trained


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


if __name__ == "__main__":
    main(sys.argv[1])
