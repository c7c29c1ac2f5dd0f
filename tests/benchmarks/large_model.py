"""Builds what `inspect` and `verify` are timed on: `python large_model.py FOLDER`."""

import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import keras
import numpy as np
import tensorflow as tf

LAYERS, UNITS = 8, 2048

folder = sys.argv[1]
layers = [keras.layers.Dense(UNITS) for _ in range(LAYERS)]
model = keras.Sequential([keras.Input((UNITS,)), *layers])
model.compile("adam", "mse")
model.fit(np.ones((1, UNITS)), np.ones((1, UNITS)), verbose=0)
model.save(os.path.join(folder, "m.keras"))
model.save_weights(os.path.join(folder, "m.weights.h5"))
tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(os.path.join(folder, "m"))
