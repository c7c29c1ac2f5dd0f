"""Loads what was exported with the real frameworks, and has each model predict.

Run as a process of its own, `python -m tests.conversion.walk_loader FOLDER JOBS`. JOBS is a JSON
list of samples, each with `target` and `dest`; the predictions go to `<dest>.npy`, and why
loading failed to `<dest>.failed`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import keras
import numpy as np
import onnxruntime
import tensorflow as tf
import tf_keras
from safetensors.numpy import load_file

from tests.conversion.walk_models import MODELS, X, predict
from tests.conversion.walk_writer import Old, Torch

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = sys.argv[1] if __name__ == "__main__" else ""


def new_model(job: dict[str, Any]) -> Any:
    """A model of Keras 3 without the weights."""
    with open(os.path.join(FOLDER, job["model"] + ".json"), encoding="utf-8") as file:
        return keras.models.model_from_json(file.read())


def with_weights(job: dict[str, Any]) -> Any:
    """`load_weights` of Keras 3."""
    model = new_model(job)
    model.load_weights(job["dest"])
    return predict(model)


def with_legacy_weights(job: dict[str, Any]) -> Any:
    """`load_weights` of Keras 2, and of Keras 3."""
    model = MODELS[job["model"]](tf_keras)
    model.load_weights(job["dest"])
    old = predict(model)
    np.testing.assert_allclose(with_weights(job), old, rtol=1e-4)
    return old


def whole(job: dict[str, Any]) -> Any:
    """`load_model`."""
    # What Keras 2 wrote, and was rewritten as it is; all else Keras 3 wrote.
    is_old = job["writer"] == "k2" and job["kind"] == job["target"].replace("-", " ")
    framework = tf_keras if is_old else keras
    return predict(framework.models.load_model(job["dest"], compile=False))


def by_name(job: dict[str, Any], arrays: dict[str, Any]) -> Any:
    """Arrays set as the weights of a model, each under the name that it had in the source."""
    values = []
    for key in job["keys"]:
        # What PyTorch reads as `0.weight` stands in its file below the name of what was saved.
        (found,) = [key] if key in arrays else [n for n in arrays if n.endswith("/" + key)]
        values.append(arrays[found])
    if job["writer"] == "pt":
        linear = Torch()
        for weight, value in zip(linear.net.state_dict().values(), values, strict=True):
            weight.copy_(weight.new_tensor(value))
        return predict(linear)
    if job["writer"] == "tf":
        product = Old()
        (product.kernel,) = values
        return predict(product)
    model = MODELS[job["model"]](tf_keras) if job["writer"] == "k2" else new_model(job)
    model.set_weights(values)
    return predict(model)


def from_npz(job: dict[str, Any]) -> Any:
    """The reader of numpy."""
    return by_name(job, dict(np.load(job["dest"])))


def from_safetensors(job: dict[str, Any]) -> Any:
    """The reader of the package safetensors."""
    return by_name(job, load_file(job["dest"]))


def served(job: dict[str, Any]) -> Any:
    """`tf.saved_model.load`, and Keras's layer for SavedModels."""
    (output,) = (
        tf.saved_model.load(job["dest"])
        .signatures["serving_default"](**{name_of_input(job): tf.constant(X)})
        .values()
    )
    layer = keras.layers.TFSMLayer(job["dest"], call_endpoint="serve")
    np.testing.assert_allclose(layer(X), output, rtol=1e-5)
    return np.asarray(output)


def name_of_input(job: dict[str, Any]) -> str:
    """The one input of the signature."""
    call = tf.saved_model.load(job["dest"]).signatures["serving_default"]
    (name,) = call.structured_input_signature[1]
    return str(name)


def restored(job: dict[str, Any]) -> Any:
    """`tf.train.Checkpoint.restore`."""
    model = new_model(job)
    # The model is compiled, and most sources have no optimizer's state for it.
    tf.train.Checkpoint(model=model).restore(job["dest"]).expect_partial()
    return predict(model)


def interpreted(job: dict[str, Any]) -> Any:
    """The interpreter of TensorFlow Lite, row by row."""
    run = tf.lite.Interpreter(job["dest"]).get_signature_runner()
    (name,) = run.get_input_details()
    rows = [run(**{name: X[row : row + 1]}) for row in range(len(X))]
    return np.concatenate([value for row in rows for value in row.values()])


def run_by_onnx(job: dict[str, Any]) -> Any:
    """ONNX Runtime."""
    session = onnxruntime.InferenceSession(job["dest"], providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    (output,) = session.run(None, {given.name: X})
    return output


# Target → what loads it and predicts.
LOADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "keras": whole,
    "weights.h5": with_weights,
    "weights.json": with_weights,
    "h5": with_legacy_weights,
    "h5-model": whole,
    "savedmodel": served,
    "tf-checkpoint": restored,
    "tflite": interpreted,
    "onnx": run_by_onnx,
    "npz": from_npz,
    "safetensors": from_safetensors,
}


def main(path: str) -> None:
    """Do all jobs."""
    with open(path, encoding="utf-8") as file:
        jobs = json.load(file)
    for job in jobs:
        try:
            np.save(job["dest"] + ".npy", LOADERS[job["target"]](job))
        except Exception:  # noqa: BLE001, PERF203 - whatever it is, the test tells of it
            with open(job["dest"] + ".failed", "w", encoding="utf-8") as file:
                file.write(f"{job['sample']} to {job['target']}: {traceback.format_exc(limit=-2)}")


if __name__ == "__main__":
    main(sys.argv[2])
