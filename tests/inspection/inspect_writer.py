"""Writes checkpoints of many formats with the real frameworks, and renames them for Keras.

Run as a process of its own, `python -m tests.inspection.inspect_writer FOLDER`. `loads.json` has,
for every file under every suffix, whether Keras's load_model or load_weights takes it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import keras
import numpy as np
import tensorflow as tf
import tf_keras
import torch
from safetensors.numpy import save_file

SUFFIXES = (".keras", ".weights.h5", ".weights.json", ".h5", ".hdf5", ".ckpt", ".H5", "")
FILES = ("m.keras", "t.keras", "plain.keras", "w.weights.h5", "s.weights.json", "l.h5", "lw.h5")


def small(framework: Any) -> Any:
    """A small model after three steps, whose metrics Keras does not read back from HDF5."""
    layers = framework.layers
    model = framework.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(16, name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.5),
            layers.Dense(1, name="out"),
        ],
        name="small",
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 4)), np.ones((4, 1)), epochs=3, verbose=0)
    return model


def write(folder: str) -> None:
    """Write one checkpoint of every format."""
    three, two = small(keras), small(tf_keras)
    three.save(f"{folder}/m.keras")
    keras.saving.save_model(three, f"{folder}/folder", zipped=False)
    three.save_weights(f"{folder}/w.weights.h5")
    three.save_weights(f"{folder}/s.weights.json", max_shard_size=4e-7)
    three.export(f"{folder}/saved", verbose=False)
    tf.train.Checkpoint(model=three).write(f"{folder}/three")
    two.save(f"{folder}/t.keras")
    plain = tf_keras.Sequential([tf_keras.layers.Input((4,)), tf_keras.layers.Dense(1)])
    plain.save(f"{folder}/plain.keras")
    two.save(f"{folder}/l.h5")
    two.save_weights(f"{folder}/lw.h5")
    two.save_weights(f"{folder}/two")
    values = {"enc.weight": np.ones((3, 4), "f4"), "enc.bias": np.array([0, np.nan, -np.inf], "f4")}
    save_file(values, f"{folder}/p.safetensors")
    torch.save({name: torch.tensor(value) for name, value in values.items()}, f"{folder}/p.pt")
    np.savez(f"{folder}/p.npz", **values)  # type: ignore[arg-type]


def takes(call: Any, *arguments: Any, **options: Any) -> bool:
    """Whether it goes through."""
    try:
        call(*arguments, **options)
    except (ValueError, OSError, TypeError) as error:
        print(error)
        return False
    except Exception as error:  # noqa: BLE001 - a zip that is none
        assert type(error).__name__ == "BadZipFile", error  # noqa: PT017
        return False
    return True


def loads(folder: str) -> dict[str, dict[str, bool]]:
    """File → suffix → whether the call of its format loads it under that suffix."""
    target = small(keras)
    found: dict[str, dict[str, bool]] = {}
    for file in FILES:
        found[file] = {}
        for suffix in SUFFIXES:
            renamed = f"{folder}/renamed-{file}"
            os.makedirs(renamed, exist_ok=True)
            path = f"{renamed}/s{suffix}"
            shutil.copyfile(f"{folder}/{file}", path)
            for shard in os.listdir(folder):
                if file.endswith(".json") and shard.startswith("s_"):
                    shutil.copyfile(f"{folder}/{shard}", f"{renamed}/{shard}")
            if file.endswith(".keras"):
                found[file][suffix] = takes(keras.models.load_model, path)
            elif file == "l.h5":
                found[file][suffix] = takes(keras.models.load_model, path, compile=False)
            else:
                found[file][suffix] = takes(target.load_weights, path)
    found["folder"] = {"": takes(keras.models.load_model, f"{folder}/folder")}
    moved = f"{folder}/renamed-s.weights.json/other.weights.json"
    shutil.copyfile(f"{folder}/s.weights.json", moved)
    found["moved"] = {"": takes(target.load_weights, moved)}
    keras.layers.TFSMLayer(f"{folder}/saved", call_endpoint="serving_default")
    for root, name in (({"root": small(tf_keras)}, "two"), ({"model": small(keras)}, "three")):
        checkpoint = tf.train.Checkpoint(**root)
        checkpoint.read(f"{folder}/{name}").expect_partial()
    return found


if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    write(sys.argv[1])
    with open(f"{sys.argv[1]}/loads.json", "w", encoding="utf-8") as opened:
        json.dump(loads(sys.argv[1]), opened)
