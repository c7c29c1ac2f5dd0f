"""Writes one checkpoint of every kind and model, with the real frameworks.

Run as a process of its own, `python -m tests.conversion.walk_writer FOLDER`. It leaves
`index.json`: for each sample its kind, path, model, and which tensor is which weight of the
model, as the framework itself reads them; and `<sample>.npy`, what its model predicts.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import h5py
import keras
import numpy as np
import tensorflow as tf
import tf_keras
import torch
from safetensors.numpy import load_file, save_file

from tests.conversion.walk_models import MODELS, X, predict, trained

FOLDER = sys.argv[1] if __name__ == "__main__" else ""
SAMPLES: list[dict[str, Any]] = []


def place(sample: str, name: str) -> str:
    """A path in a folder of the sample's own."""
    folder = os.path.join(FOLDER, sample)
    os.makedirs(folder)
    return os.path.join(folder, name)


def note(sample: str, kind: str, path: str, model: Any, values: dict[str, Any]) -> None:
    """Write down what a sample is.

    Args:
        sample: its name: `<writer>-<kind>-<model>`.
        kind: as in the table.
        path: of the checkpoint.
        model: whose weights are in it.
        values: what the framework reads: key → array.
    """
    keys = []
    for weight in model.get_weights():
        same = [key for key, value in values.items() if np.array_equal(value, weight)]
        assert len(same) >= 1, (sample, weight.shape, list(values))
        keys.append(same[0])
    np.save(os.path.join(FOLDER, sample + ".npy"), predict(model))
    writer, _, rest = sample.partition("-")
    SAMPLES.append(
        {
            "sample": sample,
            "writer": writer,
            "kind": kind,
            "path": path,
            "model": rest.rpartition("-")[2],
            "keys": keys,
        }
    )


def in_hdf5(path: str) -> dict[str, Any]:
    """Every array of a file, by h5py."""
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]} if hasattr(item, "shape") else {})
        )
    return found


def in_prefix(prefix: str) -> dict[str, Any]:
    """Every array of a TensorFlow checkpoint, by TensorFlow."""
    reader = tf.train.load_checkpoint(prefix)
    names = reader.get_variable_to_dtype_map()
    return {name: reader.get_tensor(name) for name in names if names[name] != tf.string}


def keras_three(name: str) -> None:
    """What Keras 3 writes."""
    model = trained(keras, name)
    with open(os.path.join(FOLDER, f"{name}.json"), "w", encoding="utf-8") as file:
        file.write(model.to_json())
    weights = place(f"k3-weights-{name}", "w.weights.h5")
    model.save_weights(weights)
    values = in_hdf5(weights)
    note(f"k3-weights-{name}", "weights.h5", weights, model, values)
    archive = place(f"k3-archive-{name}", "m.keras")
    model.save(archive)
    note(f"k3-archive-{name}", "keras", archive, model, values)
    sharded = place(f"k3-sharded-{name}", "w.weights.json")
    model.save_weights(sharded, max_shard_size=6e-7)
    assert os.path.exists(sharded.replace(".weights.json", "_00001.weights.h5"))
    note(f"k3-sharded-{name}", "sharded weights", sharded, model, values)
    prefix = place(f"k3-prefix-{name}", "ckpt")
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(prefix)
    note(f"k3-prefix-{name}", "tf-checkpoint", prefix, model, in_prefix(prefix))
    saved = place(f"k3-saved-{name}", "m")
    model.export(saved, verbose=False)
    variables = in_prefix(saved + "/variables/variables")
    note(f"k3-saved-{name}", "savedmodel", saved, model, variables)
    arrays = {f"w{number}": value for number, value in enumerate(model.get_weights())}
    npz = place(f"k3-npz-{name}", "w.npz")
    np.savez(npz, **arrays)
    note(f"k3-npz-{name}", "npz", npz, model, dict(np.load(npz)))
    tensors = place(f"k3-tensors-{name}", "w.safetensors")
    save_file(arrays, tensors)
    note(f"k3-tensors-{name}", "safetensors", tensors, model, load_file(tensors))
    # Last: keras 3.15 forgets the optimizer of the model in memory.
    whole = place(f"k3-whole-{name}", "m.h5")
    model.save(whole)
    note(f"k3-whole-{name}", "h5 model", whole, model, in_hdf5(whole))


def keras_two(name: str) -> None:
    """What tf_keras, the former tf.keras, writes."""
    model = trained(tf_keras, name)
    whole = place(f"k2-whole-{name}", "m.h5")
    model.save(whole)
    note(f"k2-whole-{name}", "h5 model", whole, model, in_hdf5(whole))
    legacy = place(f"k2-legacy-{name}", "w.h5")
    model.save_weights(legacy)
    note(f"k2-legacy-{name}", "h5", legacy, model, in_hdf5(legacy))
    prefix = place(f"k2-prefix-{name}", "w")
    model.save_weights(prefix)
    note(f"k2-prefix-{name}", "tf-checkpoint", prefix, model, in_prefix(prefix))
    nine = place(f"k2-named-{name}", "w")
    tf.train.Checkpoint(net=model).save(nine)
    note(f"k2-named-{name}", "tf-checkpoint", nine + "-1", model, in_prefix(nine + "-1"))
    weights = place(f"k2-weights-{name}", "w.weights.h5")
    model.save_weights(weights)
    note(f"k2-weights-{name}", "weights.h5", weights, model, in_hdf5(weights))


class Torch:
    """A PyTorch model, with the two methods that `note` needs."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(6, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)
        ).eval()

    def get_weights(self) -> list[Any]:
        """The state dict's values."""
        return [value.numpy() for value in self.net.state_dict().values()]

    def __call__(self, x: Any, *, training: bool) -> Any:
        """The forward pass."""
        del training
        with torch.no_grad():
            return self.net(torch.from_numpy(x)).numpy()


def pytorch() -> None:
    """What PyTorch writes, and a folder as transformers leaves it."""
    model = Torch()
    state = model.net.state_dict()
    values = {name: value.numpy() for name, value in state.items()}
    for sample, kind, is_zip in (("pt-archive", "torch", True), ("pt-old", "torch-legacy", False)):
        path = place(f"{sample}-linear", "m.pt")
        torch.save(state, path, _use_new_zipfile_serialization=is_zip)
        note(f"{sample}-linear", kind, path, model, values)
    weights = place("pt-folder-linear", "model.safetensors")
    save_file(values, weights)
    with open(os.path.join(os.path.dirname(weights), "config.json"), "w", encoding="utf-8") as file:
        json.dump({"model_type": "linear"}, file)
    note("pt-folder-linear", "huggingface", os.path.dirname(weights), model, values)


class Old:
    """A TensorFlow 1 graph of one multiplication."""

    def __init__(self) -> None:
        self.kernel = np.random.default_rng(4).random((6, 2)).astype("float32")

    def get_weights(self) -> list[Any]:
        """The one variable."""
        return [self.kernel]

    def __call__(self, x: Any, *, training: bool) -> Any:
        """The forward pass."""
        del training
        return x @ self.kernel


def tensorflow_one() -> None:
    """What TensorFlow 1's Saver wrote by default before version 2 of the format."""
    model = Old()
    path = place("tf-old-product", "model.ckpt")
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        kernel = v1.get_variable("kernel", initializer=model.kernel)
        session.run(kernel.initializer)
        v1.train.Saver(write_version=v1.train.SaverDef.V1).save(session, path)
    note("tf-old-product", "tf-checkpoint-v1", path, model, {"kernel": model.kernel})


class Subclassed(tf_keras.Model):  # type: ignore[misc]
    """A model whose layers are attributes, in no order that a checkpoint tells."""

    def __init__(self) -> None:
        super().__init__()
        self.one = tf_keras.layers.Dense(3)
        self.other = tf_keras.layers.Dense(2)

    def call(self, inputs: Any) -> Any:
        """The forward pass."""
        return self.other(self.one(inputs))


def odd() -> None:
    """What cannot be placed; `odd/<name>`."""
    folder = os.path.join(FOLDER, "odd")
    os.makedirs(folder)
    plain = MODELS["sequential"](tf_keras)
    nested = MODELS["nested"](tf_keras)
    tf.train.Checkpoint(model=nested).write(f"{folder}/nested")
    tf.train.Checkpoint(a=plain, b=nested).write(f"{folder}/two")
    mine = Subclassed()
    mine(X)
    tf.train.Checkpoint(model=mine).write(f"{folder}/subclassed")
    tf.train.Checkpoint(model=plain, more=tf.Variable(1.0)).write(f"{folder}/more")
    for framework, name in ((keras, "three"), (tf_keras, "two")):
        k = framework.layers
        both = framework.Sequential(
            [k.Input((3, 2)), k.Bidirectional(k.LSTM(2, name="rnn"), name="both"), k.Dense(1)]
        )
        both.save(f"{folder}/both-{name}.h5")
        both.save(f"{folder}/both-{name}.keras")
        tf.train.Checkpoint(model=both).write(f"{folder}/both-{name}")
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        kernel = v1.get_variable("kernel", initializer=np.ones((2, 2), "float32"))
        session.run(kernel.initializer)
        v1.train.Saver().save(session, f"{folder}/named")


def main() -> None:
    """Write all samples."""
    assert X.shape == (8, 6)
    for name in MODELS:
        keras_three(name)
        keras_two(name)
    pytorch()
    tensorflow_one()
    odd()
    with open(os.path.join(FOLDER, "index.json"), "w", encoding="utf-8") as file:
        json.dump(SAMPLES, file, indent=1)


if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    main()
