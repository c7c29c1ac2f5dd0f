"""Prints what a checkpoint of docs/examples reaches: `evaluate_digits.py accuracy|loss PATH`.

What it is evaluated on is what train.py validates on, of which no image was trained on.
"""

import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

measure, path = sys.argv[1:]
images, labels = load_digits(return_X_y=True)
_, x_val, _, y_val = train_test_split(
    images / 16.0, labels, train_size=300, random_state=7, stratify=labels
)
if path.endswith(".keras"):
    model = keras.models.load_model(path, compile=False)
else:
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((64,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.load_weights(path)
model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
print(f"{measure}:", model.evaluate(x_val, y_val, verbose=0, return_dict=True)[measure])
