"""Members for means, written by the real Keras, and what Keras says of their means.

Run as a process of its own: `python -m tests.transfer.keras_means write|check FOLDER`. Each
sample is a folder of `KINDS` with three members and, to be checked, a mean.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

# Sample → the suffix of its files.
KINDS = {
    "keras": ".keras",
    "weights": ".weights.h5",
    "sharded": ".weights.json",
    "float64": ".weights.h5",
    "bfloat16": ".weights.h5",
    "float16": ".keras",
    "legacy-whole": ".h5",
    "legacy-weights": ".h5",
    "tf-checkpoint": "",
}
WEIGHTS = (3.0, 1.0, 0.5)


def member(folder: str, kind: str, number: int) -> str:
    """The path of a member, from 1; the mean is number 0, the weighted mean -1."""
    name = {0: "mean", -1: "weighted"}.get(number, f"w.{number:02d}-val_loss0.{number}")
    return os.path.join(folder, kind, name + KINDS[kind])


def _model(framework: Any, dtype: str) -> Any:
    layers = framework.layers
    model = framework.Sequential(
        [
            layers.Input((4,), dtype=dtype),
            layers.Dense(6, name="hidden", dtype=dtype),
            layers.BatchNormalization(name="norm", dtype=dtype),
            layers.Dropout(0.5, seed=3, dtype=dtype),
            layers.Dense(1, name="out", dtype=dtype),
        ]
    )
    model.compile("adam", "mse")
    return model


def _of(kind: str) -> Any:
    if kind == "legacy-weights":
        import tf_keras  # noqa: PLC0415

        return _model(tf_keras, "float32")
    import keras  # noqa: PLC0415

    return _model(keras, kind if "float" in kind else "float32")


def _load(kind: str, path: str) -> Any:
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    if kind in ("keras", "float16", "legacy-whole"):
        # Keras 3 cannot read back the name of a loss from its own HDF5 files.
        return keras.models.load_model(path, compile=kind != "legacy-whole")
    model = _of(kind)
    if kind == "tf-checkpoint":
        tf.train.Checkpoint(model=model).read(path).expect_partial()
    else:
        model.load_weights(path)
    return model


def _write(folder: str) -> None:
    import numpy as np  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    chance = np.random.default_rng(1)
    x = chance.random((32, 4))
    for kind in KINDS:
        os.makedirs(os.path.join(folder, kind))
        model = _of(kind)
        for number in (1, 2, 3):
            model.fit(x, x.sum(1, keepdims=True) * number, verbose=0)
            # One step moves a bfloat16 by nothing or by one of its coarse places.
            model.set_weights(
                [
                    (value + abs(chance.normal(size=value.shape))).astype(value.dtype)
                    for value in model.get_weights()
                ]
            )
            path = member(folder, kind, number)
            if kind == "tf-checkpoint":
                tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(path)
            elif kind == "sharded":
                model.save_weights(path, max_shard_size=2e-7)
            elif kind in ("keras", "float16", "legacy-whole"):
                model.save(path)
            else:
                model.save_weights(path)


def _check(folder: str) -> None:
    found = {}
    for kind in KINDS:
        for number, weights in ((0, None), (-1, WEIGHTS)):
            key = kind if weights is None else f"{kind} weighted"
            found[key] = _compared(folder, kind, number, weights)
    print(json.dumps(found))


def _compared(folder: str, kind: str, number: int, weights: Any) -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    members = [_load(kind, member(folder, kind, each)) for each in (1, 2, 3)]
    path = member(folder, kind, number)
    mean = _load(kind, path)
    wanted = []
    for several in zip(*(model.get_weights() for model in members), strict=True):
        stacked = np.stack([value.astype("float64") for value in several])
        wanted.append(_rounded(np.average(stacked, axis=0, weights=weights), several[0].dtype))
    other = members[0]
    other.set_weights(wanted)
    x = np.random.default_rng(2).random((5, 4))
    told: dict[str, Any] = {
        "weights": all(
            one.tobytes() == two.tobytes() and one.dtype == two.dtype
            for one, two in zip(mean.get_weights(), wanted, strict=True)
        ),
        "differs": any(
            (one != two).any()
            for one, two in zip(mean.get_weights(), members[1].get_weights(), strict=True)
        ),
        "count": len(wanted),
        "predictions": bool((mean.predict(x, verbose=0) == other.predict(x, verbose=0)).all()),
    }
    if kind == "keras":
        first = _load(kind, member(folder, kind, 1)).optimizer.variables
        told["optimizer"] = all(
            (one.numpy() == two.numpy()).all()
            for one, two in zip(mean.optimizer.variables, first, strict=True)
        )
    if kind == "tf-checkpoint":
        told["latest"] = tf.train.latest_checkpoint(os.path.dirname(path))
        readers = [tf.train.load_checkpoint(member(folder, kind, each)) for each in (1, 2, 3)]
        reader = tf.train.load_checkpoint(path)
        told["keys"] = {
            key: _key(key, reader, readers, weights) for key in reader.get_variable_to_shape_map()
        }
    return told


def _rounded(mean: Any, dtype: Any) -> Any:
    """The nearest of a type; the even one of two as near.

    numpy rounds so. ml_dtypes, whose bfloat16 Keras uses, rounds a float64 to float32 first, which
    can lead to the middle between two and from there to the wrong one: its neighbours are tried.
    """
    import numpy as np  # noqa: PLC0415

    found = mean.astype(dtype)
    if dtype.name != "bfloat16":
        return found
    best = found.view("uint16").copy()
    for step in (-1, 1):
        other = (found.view("uint16").astype("int64") + step).astype("uint16")
        gain = abs(found.astype("float64") - mean) - abs(other.view(dtype).astype("float64") - mean)
        best = np.where((gain > 0) | ((gain == 0) & (other % 2 == 0)), other, best)
    return best.view(dtype)


def _key(key: str, reader: Any, readers: Any, weights: Any) -> str:
    """Whether a tensor is the mean, or the first member's, or neither."""
    import numpy as np  # noqa: PLC0415

    value = reader.get_tensor(key)
    several = [each.get_tensor(key) for each in readers]
    if not isinstance(value, bytes) and value.dtype.kind == "f":
        mean = np.average(np.stack(several).astype("float64"), axis=0, weights=weights)
        if (mean.astype(value.dtype) == value).all() and not (several[0] == value).all():
            return "mean"
    return "first" if np.all(value == several[0]) else "neither"


if __name__ == "__main__":
    {"write": _write, "check": _check}[sys.argv[1]](sys.argv[2])
