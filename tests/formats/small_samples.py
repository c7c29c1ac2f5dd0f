"""Writes a small sound checkpoint of every format, with the framework that makes it.

Run as a process of its own, `python -m tests.formats.small_samples FOLDER UNITS`, because
TensorFlow and both Keras warn a lot and take seconds to import. Each checkpoint is alone in a
folder that has the sample's name; `PATHS` says what in it is opened.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

PATHS = {
    "keras": "m.keras",
    "keras-folder": "m",
    "keras-npz": "m.keras",
    "weights.h5": "w.weights.h5",
    "legacy-whole": "m.h5",
    "legacy-weights": "w.h5",
    "sharded": "w.weights.json",
    "saved-model": "m",
    "tf-checkpoint": "ckpt-1",
    "tf-v1": "model.ckpt-1",
    "safetensors": "m.safetensors",
    "npz": "m.npz",
    "npz-compressed": "m.npz",
    "torch": "m.pt",
    "torch-legacy": "m.pt",
    "huggingface": "checkpoint-1",
    "orbax-ocdbt": "1",
    "orbax-zarr": "1",
    "orbax-zarr3": "1",
}


def write_small_samples(folder: str, units: int = 4) -> None:
    """Have every sample written."""
    command = [sys.executable, "-m", "tests.formats.small_samples", folder, str(units)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def sample_path(folder: str, name: str) -> str:
    """What is opened of a sample."""
    return os.path.join(folder, name, PATHS[name])


def _main(folder: str, units: int) -> None:
    def at(name: str) -> str:
        os.makedirs(os.path.join(folder, name))
        return os.path.join(folder, name, PATHS[name])

    _keras(at, units)
    _keras_two(at, units)
    _numpy_and_torch(at, units)
    data = os.path.join(os.path.dirname(__file__), "orbax", "data")
    for name in PATHS:
        if name.startswith("orbax"):
            shutil.copytree(os.path.join(data, name), os.path.join(folder, name, "1"))


def _model(keras: Any, units: int) -> Any:
    import numpy as np  # noqa: PLC0415

    layers = [keras.layers.Dense(units, name="hidden"), keras.layers.Dense(1, name="out")]
    model = keras.Sequential([keras.layers.Input((units,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(np.random.default_rng(1).random((8, units)), np.ones((8, 1)), verbose=0)
    return model


def _keras(at: Any, units: int) -> None:
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415
    from keras.src.saving.saving_lib import save_model  # noqa: PLC0415

    keras.utils.set_random_seed(1)
    model = _model(keras, units)
    model.save(at("keras"))
    keras.saving.save_model(model, at("keras-folder"), zipped=False)
    save_model(model, at("keras-npz"), weights_format="npz")
    model.save_weights(at("weights.h5"))
    model.save_weights(at("sharded"), max_shard_size=units * units * 6e-9)
    model.export(at("saved-model"), verbose=False)
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(at("tf-checkpoint"))
    model.save(at("legacy-whole"))
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        v1.get_variable("dense/kernel", (units, units), use_resource=False)
        v1.get_variable("dense/bias", (units,), use_resource=False)
        saver = v1.train.Saver(write_version=v1.train.SaverDef.V1)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            saver.save(session, at("tf-v1"), write_meta_graph=False)


def _keras_two(at: Any, units: int) -> None:
    import tf_keras  # noqa: PLC0415

    _model(tf_keras, units).save_weights(at("legacy-weights"))


def _numpy_and_torch(at: Any, units: int) -> None:
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from safetensors.numpy import save_file  # noqa: PLC0415

    chance = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "hidden.weight": chance.random((units, units), "float32"),
        "hidden.bias": chance.random(units, "float32"),
    }
    save_file(arrays, at("safetensors"))
    np.savez(at("npz"), **arrays)
    np.savez_compressed(at("npz-compressed"), **arrays)
    state = {"state_dict": {name: torch.tensor(value) for name, value in arrays.items()}}
    torch.save(state, at("torch"))
    torch.save(state, at("torch-legacy"), _use_new_zipfile_serialization=False)
    folder = at("huggingface")
    os.makedirs(folder)
    weight_map = {}
    for number, (name, value) in enumerate(arrays.items()):
        file = f"model-{number + 1:05d}-of-00002.safetensors"
        weight_map[name] = file
        save_file({name: value}, os.path.join(folder, file))
    index = {"metadata": {"total_size": units * (units + 1) * 4}, "weight_map": weight_map}
    for file, content in (
        ("model.safetensors.index.json", index),
        ("trainer_state.json", {"epoch": 1.0, "global_step": 1, "log_history": []}),
    ):
        with open(os.path.join(folder, file), "w", encoding="utf-8") as opened:
            json.dump(content, opened)


if __name__ == "__main__":
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    _main(sys.argv[1], int(sys.argv[2]))
